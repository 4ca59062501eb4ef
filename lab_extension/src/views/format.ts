// Numbers and names as people read them.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** 3276800 -> "3.1 MB" (1 KB is 1,024 bytes). */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) {
    return '–';
  }
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text = unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1);
  return `${bytes < 0 ? '−' : ''}${text.replace(/\.0$/, '')} ${UNITS[unit]}`;
}

/** 0.00042 -> "420 µs" */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) {
    return '–';
  }
  const size = Math.abs(seconds);
  if (size < 9.995e-7) {
    return size === 0 ? '0 s' : `${digits(seconds * 1e9)} ns`;
  }
  if (size < 9.995e-4) {
    return `${digits(seconds * 1e6)} µs`;
  }
  return size < 0.9995 ? `${digits(seconds * 1e3)} ms` : `${digits(seconds)} s`;
}

/** Three significant digits: "0.0123", "1.2e-7", "45,300", "NaN", "∞". */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) {
    return 'NaN';
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? '∞' : '−∞';
  }
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 1e-3 && size < 1e5);
  const text = plain ? digits(value) : value.toExponential(1).replace('e+', 'e');
  return text.replace(/^-/, '−');
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) {
    return Math.round(value).toLocaleString('en-US');
  }
  return String(Number(value.toPrecision(3)));
}

/** 0.423 -> "42 %", and tiny shares not as nought. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) {
    return '–';
  }
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) {
    return '< 0.1 %';
  }
  return `${percent < 9.95 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}

/** "32,1,8,8" -> "32×1×8×8", "" -> "scalar" */
export function formatShape(shape: string): string {
  return shape === '' ? 'scalar' : shape.replace(/\s*,\s*/g, '×');
}

/** Where a line of the user's code is: "cell 5, line 3" or "train.py, line 12". */
export function formatPlace(file: string, line: number, cell: number): string {
  const place = cell > 0 ? `cell ${cell}` : file.split(/[\\/]/).pop() || 'unknown file';
  return `${place}, line ${line}`;
}

export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : many}`;
}

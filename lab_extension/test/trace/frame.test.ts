import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from '../../src/trace/crc';
import { decodeFrame } from '../../src/trace/frame';
import { TraceError } from '../../src/trace/types';
import { pack, Writer } from './writer';

function sample(): Uint8Array {
  const writer = new Writer();
  writer.add('ops', { tick: 1, time: 0.5, duration: 0.25, phase: 0, name: 'conv2d', call: -1 });
  writer.add('ops', { tick: 2, time: 0.75, name: 'relu <b>', call: 3, iteration: 7 });
  writer.add('statistics', { tensor: 4, histogram: Array.from({ length: 32 }, (_, i) => i) });
  return writer.whole();
}

const refused = (bytes: Uint8Array, message: RegExp) =>
  assert.throws(
    () => decodeFrame(bytes),
    (error: Error) => error instanceof TraceError && message.test(error.message)
  );

/** A frame whose header was changed, with a checksum that fits. */
function altered(change: (header: Record<string, never>) => void): Uint8Array {
  const bytes = sample();
  const length = new DataView(bytes.buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + length)));
  change(header);
  return pack(header, bytes.slice(16 + length));
}

test('crc32 gives the value of the standard test string', () => {
  assert.equal(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
});

test('a frame comes back as it was written', () => {
  const frame = decodeFrame(sample());
  const ops = frame.tables.get('ops');
  assert.equal(ops?.rows, 2);
  assert.deepEqual([...(ops?.columns.get('tick')?.values ?? [])], [1, 2]);
  assert.deepEqual([...(ops?.columns.get('call')?.values ?? [])], [-1, 3]);
  assert.deepEqual([...(ops?.columns.get('time')?.values ?? [])], [0.5, 0.75]);
  const histogram = frame.tables.get('statistics')?.columns.get('histogram');
  assert.equal(histogram?.width, 32);
  assert.equal(histogram?.values[31], 31);
  assert.deepEqual(frame.strings, ['', 'conv2d', 'relu <b>']);
  assert.equal(frame.about['title'], 'net');
});

test('a frame may begin anywhere in its buffer', () => {
  const bytes = sample();
  for (const shift of [1, 3, 4, 7]) {
    const moved = new Uint8Array(bytes.length + shift);
    moved.set(bytes, shift);
    const frame = decodeFrame(moved.subarray(shift));
    assert.deepEqual([...(frame.tables.get('ops')?.columns.get('time')?.values ?? [])], [0.5, 0.75]);
  }
});

test('what is no trace is refused', () => {
  refused(new Uint8Array(0), /not a Flambeau trace/);
  refused(new TextEncoder().encode('{"cells": []}'), /not a Flambeau trace/);
});

test('each truncation is refused, and bytes after the end', () => {
  const bytes = sample();
  for (let length = 4; length < bytes.length; length += 13) {
    refused(bytes.subarray(0, length), /cut off/);
  }
  refused(Uint8Array.of(...bytes, 0), /after its end/);
});

test('each flipped bit is refused', () => {
  const bytes = sample();
  for (let i = 0; i < bytes.length; i += 3) {
    const damaged = bytes.slice();
    damaged[i] ^= 1 << i % 8;
    assert.throws(() => decodeFrame(damaged), TraceError);
  }
});

test('a newer version is refused with the writer’s name', () => {
  refused(altered(h => Object.assign(h, { version: 2 })), /version 2.*up to 1.*0\.1\.0/);
});

test('a header of nonsense is refused', () => {
  refused(pack([1, 2], new Uint8Array(0)), /not an object/);
  refused(altered(h => Object.assign(h, { strings: [1] })), /strings/);
  refused(altered(h => Object.assign(h, { tables: null })), /tables/);
  refused(altered(h => Object.assign(h, { sequence: -1 })), /sequence/);
  refused(altered(h => Object.assign(h, { first_string: 0.5 })), /first_string/);
});

test('columns out of bounds, misaligned or of unknown type are refused', () => {
  type Tables = { tables: { ops: { rows: number; columns: Record<string, unknown> } } };
  const column = (entry: unknown) =>
    altered(h => ((h as unknown as Tables).tables.ops.columns['tick'] = entry));
  refused(column(['u4', 1, 1e6]), /ops\.tick.*outside/);
  refused(column(['u4', 1, 4]), /outside/);
  refused(column(['u4', 1e9, 0]), /outside/);
  refused(column(['u4', 0, 0]), /not described/);
  refused(column(['u8', 1, 0]), /not described/);
  refused(column('u4'), /not described/);
  const rows = altered(h => ((h as unknown as Tables).tables.ops.rows = 2 ** 52));
  refused(rows, /outside/);
});

test('table and column names cannot reach into prototypes', () => {
  const frame = decodeFrame(
    pack(
      JSON.parse(
        '{"version":1,"sequence":0,"segment":0,"first_string":0,"strings":[""],' +
          '"tables":{"__proto__":{"start":0,"rows":0,"columns":{"__proto__":["u4",1,0]}}}}'
      ),
      new Uint8Array(0)
    )
  );
  assert.equal(({} as Record<string, unknown>)['rows'], undefined);
  assert.equal(frame.tables.size, 1);
});

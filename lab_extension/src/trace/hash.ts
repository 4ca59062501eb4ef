/** 64 bits of FNV-1a, as two halves that start differently. */
export class Hash {
  private a = 0x811c9dc5;
  private b = 0x1b873593;

  add(value: number): void {
    this.a = Math.imul(this.a ^ value, 0x01000193);
    this.b = Math.imul(this.b ^ (value + 0x9e37), 0x85ebca6b);
    this.b ^= this.b >>> 13;
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) {
      this.add(text.charCodeAt(i));
    }
    this.add(-1);
  }

  toString(): string {
    return `${(this.a >>> 0).toString(36)}${(this.b >>> 0).toString(36)}`;
  }
}

// A trace made of plain arrays.

import { TABLES } from '../../src/trace/schema';
import type { Tables } from '../../src/views/charts/tables';

type Row = Record<string, number | string | number[]>;

/** Rows as objects; strings are interned, columns left out are 0 (-1 where rows are meant). */
export function fakeTrace(tables: Record<string, Row[]>): Tables {
  const strings = [''];
  const intern = (text: string) => {
    if (!strings.includes(text)) strings.push(text);
    return strings.indexOf(text);
  };
  const value = (row: Row, name: string, type: string) => {
    const given = row[name] ?? (type === 'i4' ? -1 : 0);
    return typeof given === 'string' ? intern(given) : given;
  };
  const columns = new Map<string, number[]>();
  for (const [table, schema] of Object.entries(TABLES)) {
    for (const [name, type] of Object.entries(schema)) {
      const values = (tables[table] ?? []).flatMap(row => value(row, name, type));
      columns.set(`${table}.${name}`, values);
    }
  }
  return {
    rows: table => tables[table]?.length ?? 0,
    column: (table, name) => columns.get(`${table}.${name}`)!,
    text: index => strings[index ?? 0] ?? ''
  };
}

/** The index of a category. */
export const CATEGORY = {
  other: 0,
  data: 1,
  parameter: 2,
  buffer: 3,
  activation: 4,
  gradient: 5,
  optimizer: 6
} as const;

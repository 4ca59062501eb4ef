import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SEGMENT_TABLES } from '../../src/trace/schema';
import { Session } from '../../src/trace/session';
import { Trace, TraceError } from '../../src/trace/trace';
import { detailedIterations, onlySummarised, shownIteration } from '../../src/trace/timeline';
import { pack, Writer } from './writer';

const column = (trace: Trace, table: string, name: string) => [...trace.column(table, name)];

test('an empty trace has empty tables', () => {
  const trace = new Trace();
  assert.equal(trace.rows('ops'), 0);
  assert.deepEqual(column(trace, 'ops', 'tick'), []);
  assert.equal(trace.text(0), '');
  assert.equal(trace.text(99), '');
  assert.throws(() => trace.column('nothing', 'tick'));
  assert.throws(() => trace.column('ops', 'nothing'));
});

test('frames append rows and strings', () => {
  const writer = new Writer();
  const trace = new Trace();
  let heard = 0;
  trace.subscribe(() => heard++);
  for (let i = 0; i < 100; i++) {
    writer.add('ops', { tick: i, name: `op${i}` });
    assert.equal(trace.apply(writer.delta()), true);
  }
  assert.equal(trace.rows('ops'), 100);
  assert.equal(trace.version, 100);
  assert.equal(heard, 100);
  assert.deepEqual(column(trace, 'ops', 'tick'), Array.from({ length: 100 }, (_, i) => i));
  assert.equal(trace.text(trace.column('ops', 'name')[99]), 'op99');
});

test('a missed frame asks for a resync and changes nothing', () => {
  const writer = new Writer();
  const trace = new Trace();
  writer.add('ops', { tick: 1, name: 'a' });
  trace.apply(writer.delta());
  writer.add('ops', { tick: 2, name: 'b' });
  writer.delta(); // lost
  writer.add('ops', { tick: 3, name: 'c' });
  assert.equal(trace.apply(writer.delta()), false);
  assert.deepEqual(column(trace, 'ops', 'tick'), [1]);
  assert.equal(trace.version, 1);
  assert.equal(trace.apply(writer.whole()), true);
  assert.deepEqual(column(trace, 'ops', 'tick'), [1, 2, 3]);
  writer.add('ops', { tick: 4, name: 'd' });
  assert.equal(trace.apply(writer.delta()), true);
});

test('a delta before anything else asks for a resync', () => {
  const writer = new Writer();
  writer.add('ops', { tick: 1, name: 'a' });
  writer.delta();
  writer.add('ops', { tick: 2 });
  assert.equal(new Trace().apply(writer.delta()), false);
});

test('rows that do not continue ask for a resync', () => {
  const writer = new Writer();
  const trace = new Trace();
  writer.add('ops', { tick: 1, name: 'a' });
  trace.apply(writer.delta());
  const repeated = pack(
    {
      version: 1,
      sequence: 1,
      segment: 0,
      first_string: trace.text(1) ? 2 : 1,
      strings: [],
      tables: { ops: { start: 5, rows: 0, columns: { tick: ['u4', 1, 0] } } }
    },
    new Uint8Array(0)
  );
  assert.equal(trace.apply(repeated), false);
});

test('a new segment drops the segment tables and keeps the running ones', () => {
  const writer = new Writer();
  const trace = new Trace();
  writer.add('ops', { tick: 1, name: 'a' });
  writer.add('summaries', { iteration: 0, loss: 2 });
  trace.apply(writer.delta());
  const { epoch } = trace;
  writer.newSegment(Object.keys(SEGMENT_TABLES));
  writer.add('ops', { tick: 9, name: 'b' });
  writer.add('summaries', { iteration: 1, loss: 1 });
  assert.equal(trace.apply(writer.delta()), true);
  assert.deepEqual(column(trace, 'ops', 'tick'), [9]);
  assert.deepEqual(column(trace, 'summaries', 'loss'), [2, 1]);
  assert.equal(trace.text(trace.column('ops', 'name')[0]), 'b');
  assert.equal(trace.segment, 1);
  assert.notEqual(trace.epoch, epoch);
});

test('a malformed frame leaves the trace as it was', () => {
  const writer = new Writer();
  const trace = new Trace();
  writer.add('ops', { tick: 1, name: 'a' });
  trace.apply(writer.delta());
  const wrongType = pack(
    {
      version: 1,
      sequence: 1,
      segment: 0,
      first_string: 2,
      strings: ['x'],
      tables: { ops: { start: 1, rows: 1, columns: { tick: ['f8', 1, 0] } } }
    },
    new Uint8Array(8)
  );
  assert.throws(() => trace.apply(wrongType), TraceError);
  assert.throws(() => trace.apply(new Uint8Array(5)), TraceError);
  assert.deepEqual([trace.rows('ops'), trace.version, trace.text(2)], [1, 1, '']);
});

test('unknown tables and columns are ignored, missing columns read as empty', () => {
  const trace = new Trace();
  const header = {
    version: 1,
    sequence: 0,
    segment: 0,
    first_string: 0,
    strings: [''],
    tables: {
      ops: { start: 0, rows: 2, columns: { tick: ['u4', 1, 0], mood: ['f8', 1, 0] } },
      dreams: { start: 0, rows: 1, columns: { depth: ['u4', 1, 0] } }
    }
  };
  assert.equal(trace.apply(pack(header, new Uint8Array(16))), true);
  assert.deepEqual(column(trace, 'ops', 'call'), [-1, -1]);
  assert.deepEqual(column(trace, 'ops', 'phase'), [0, 0]);
  assert.ok(column(trace, 'ops', 'time').every(Number.isNaN));
  assert.equal(trace.rows('dreams'), 0);
});

test('a session tells of changes once, and forgets rows that are gone', () => {
  const session = new Session();
  const writer = new Writer();
  let heard = 0;
  writer.add('ops', { tick: 1, name: 'a' });
  session.trace.apply(writer.delta());
  session.subscribe(() => heard++);
  session.select({ ops: [0], path: 'net' });
  session.select({ ops: [0], path: 'net' });
  assert.equal(heard, 1);
  writer.newSegment(Object.keys(SEGMENT_TABLES));
  session.trace.apply(writer.delta());
  assert.deepEqual(session.selection, { ops: [], path: 'net' });
  assert.equal(session.request({ type: 'tensor' }), null);
});

test('the latest complete iteration is shown, a failed one before it', () => {
  const session = new Session();
  const writer = new Writer();
  const op = (iteration: number) => writer.add('ops', { phase: 0, name: 'a', iteration });
  assert.equal(shownIteration(session), null);
  op(0);
  session.trace.apply(writer.delta());
  assert.equal(shownIteration(session), 0);
  writer.add('summaries', { iteration: 0 });
  op(1);
  writer.add('summaries', { iteration: 1 });
  const failing = op(2);
  session.trace.apply(writer.delta());
  assert.deepEqual(detailedIterations(session.trace), [0, 1, 2]);
  assert.equal(shownIteration(session), 1);
  session.moveTo({ iteration: 0 });
  assert.equal(shownIteration(session), 0);
  session.moveTo({ iteration: 77 });
  assert.equal(shownIteration(session), 1);
  writer.add('errors', { op: failing, kind: 'RuntimeError', message: 'no' });
  session.trace.apply(writer.delta());
  assert.equal(shownIteration(session), 2);
});

test('a mended run takes the place of a failed one, before it is complete', () => {
  const session = new Session();
  const writer = new Writer();
  const failing = writer.add('ops', { phase: 0, name: 'a', iteration: 0 });
  writer.add('errors', { op: failing, kind: 'RuntimeError', message: 'no' });
  writer.add('summaries', { iteration: 0 });
  session.trace.apply(writer.delta());
  assert.equal(shownIteration(session), 0);
  writer.add('ops', { phase: 0, name: 'a', iteration: 1 });
  session.trace.apply(writer.delta());
  assert.equal(shownIteration(session), 1);
  session.moveTo({ iteration: 0 });
  assert.deepEqual([shownIteration(session), onlySummarised(session)], [0, null]);
  session.moveTo({ iteration: 7 });
  assert.deepEqual([shownIteration(session), onlySummarised(session)], [1, 7]);
});

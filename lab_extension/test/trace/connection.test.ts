import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { connect } from '../../src/trace/connection';
import type { Connection } from '../../src/trace/connection';
import { Session } from '../../src/trace/session';
import { Writer } from './writer';

class FakeKernel implements Connection {
  sent: Record<string, unknown>[] = [];
  say: (message: unknown, buffers?: DataView[]) => void = () => undefined;
  close: (why: string) => void = () => undefined;

  send(message: object): void {
    this.sent.push(message as Record<string, unknown>);
  }
  onMessage(callback: (message: unknown, buffers: DataView[]) => void): void {
    this.say = (message, buffers = []) => callback(message, buffers);
  }
  onClose(callback: (why: string) => void): void {
    this.close = callback;
  }
  frame(bytes: Uint8Array): void {
    this.say({ type: 'frame' }, [new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)]);
  }
}

function start() {
  const session = new Session();
  const kernel = new FakeKernel();
  const writer = new Writer();
  writer.add('ops', { tick: 1, name: 'a' });
  return { session, kernel, writer, stop: connect(session, kernel) };
}

test('says hello, takes frames, asks again after a gap, once', () => {
  const { session, kernel, writer, stop } = start();
  assert.deepEqual(kernel.sent, [{ type: 'hello' }]);
  kernel.frame(writer.whole());
  assert.equal(session.trace.rows('ops'), 1);
  assert.equal(session.status.connected, true);
  writer.add('ops', { tick: 2 });
  writer.delta();
  writer.add('ops', { tick: 3 });
  kernel.frame(writer.delta());
  kernel.frame(writer.delta());
  assert.deepEqual(kernel.sent.slice(1), [{ type: 'resync' }]);
  kernel.frame(writer.whole());
  assert.equal(session.trace.rows('ops'), 3);
  stop();
});

test('nonsense from the kernel changes nothing but the message', () => {
  const { session, kernel, writer, stop } = start();
  kernel.frame(writer.whole());
  const nonsense = [null, 7, 'frame', [], {}, { type: 'frame' }, { type: 42 }, { type: 'tensor' }];
  nonsense.forEach(message => kernel.say(message));
  kernel.frame(new Uint8Array(40));
  kernel.say({ type: 'status', live: 'many', peak: NaN, recording: 'yes', device: 7 });
  assert.equal(session.trace.rows('ops'), 1);
  assert.deepEqual([session.status.live, session.status.recording], [0, false]);
  assert.match(session.status.message, /skipped/);
  stop();
});

test('status and errors of the kernel reach the session', () => {
  const { session, kernel, stop } = start();
  kernel.say({ type: 'status', recording: true, device: 'cpu', live: 5, peak: 9, iteration: 3 });
  assert.deepEqual(session.status, {
    connected: true,
    recording: true,
    device: 'cpu',
    live: 5,
    peak: 9,
    iteration: 3,
    message: ''
  });
  kernel.say({ type: 'error', message: 'what?' });
  assert.equal(session.status.message, 'what?');
  stop();
});

test('a word about trouble goes with the next good frame, or after a while', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { session, kernel, writer, stop } = start();
  kernel.frame(writer.whole());
  kernel.say(7);
  assert.match(session.status.message, /skipped/);
  kernel.frame(writer.delta());
  assert.equal(session.status.message, '');
  kernel.say({ type: 'error', message: 'what?' });
  mock.timers.tick(9000);
  assert.equal(session.status.message, '');
  stop();
  mock.timers.reset();
});

test('a tensor is asked for and answered by its number', async () => {
  const { session, kernel, writer, stop } = start();
  kernel.frame(writer.whole());
  const first = session.request({ type: 'tensor', tensor: 1 });
  const second = session.request({ type: 'tensor', tensor: 2 });
  const [a, b] = kernel.sent.slice(-2);
  kernel.say({ type: 'tensor', request: b['request'], gone: 'freed' });
  const values = new DataView(Float32Array.of(1, 2).buffer);
  kernel.say({ type: 'tensor', request: a['request'], shape: [2], dtype: 'float32' }, [values]);
  assert.deepEqual(await second, { gone: 'freed' });
  assert.deepEqual([...((await first)?.values ?? [])], [1, 2]);
  stop();
});

test('a closed connection keeps the trace, says why and answers what was asked', async () => {
  const { session, kernel, writer, stop } = start();
  kernel.frame(writer.whole());
  const asked = session.request({ type: 'tensor', tensor: 1 });
  kernel.close('Kernel restarted: last picture kept');
  assert.deepEqual(await asked, { gone: 'Kernel restarted: last picture kept' });
  assert.equal(session.request({ type: 'tensor' }), null);
  assert.equal(session.status.connected, false);
  assert.equal(session.status.message, 'Kernel restarted: last picture kept');
  assert.equal(session.trace.rows('ops'), 1);
  kernel.frame(writer.whole()); // too late: ignored
  assert.equal(session.trace.version, 1);
  stop();
});

test('silence after hello is told, until an answer comes', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { session, kernel, writer, stop } = start();
  mock.timers.tick(3100);
  assert.match(session.status.message, /No running kernel/);
  kernel.frame(writer.whole());
  assert.deepEqual([session.status.connected, session.status.message], [true, '']);
  stop();
  mock.timers.reset();
});

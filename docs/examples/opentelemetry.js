// Feeds OpenTelemetry from the channels of ws6455. Run it before the first connection:
//
//   const { metrics, trace } = require('@opentelemetry/api');
//   instrument(metrics.getMeter('ws6455'), trace.getTracer('ws6455'));

const { subscribe } = require('node:diagnostics_channel');

const KIND = { server: 1, client: 2 }; // SpanKind of @opentelemetry/api
const ERROR = 2; // SpanStatusCode.ERROR
const DIRECTION = { sent: 'transmit', received: 'receive' };

exports.instrument = function instrument(meter, tracer) {
  const active = meter.createUpDownCounter('websocket.server.active_connections');
  const duration = meter.createHistogram('websocket.server.connection.duration', { unit: 's' });
  const messages = meter.createCounter('websocket.messages', { unit: '{message}' });
  const io = meter.createCounter('websocket.io', { unit: 'By' });
  const spans = new WeakMap();

  subscribe('tracing:ws6455:handshake:start', (handshake) => {
    const attributes = { 'url.full': handshake.url, 'url.path': handshake.request?.url };
    const kind = KIND[handshake.role];
    spans.set(handshake, tracer.startSpan('websocket handshake', { kind, attributes }));
  });
  subscribe('tracing:ws6455:handshake:asyncEnd', (handshake) => {
    const span = spans.get(handshake);
    if (handshake.status) span?.setAttribute('http.response.status_code', handshake.status);
    if (handshake.verdict !== 'accepted') {
      const type = handshake.reason ?? handshake.error?.code ?? handshake.verdict;
      span?.setAttribute('error.type', type);
      span?.setStatus({ code: ERROR });
    }
    span?.end();
  });
  subscribe('ws6455:open', ({ server }) => server && active.add(1));
  subscribe('ws6455:close', ({ server, closeInfo }) => {
    if (!server) return;
    active.add(-1);
    const failure = closeInfo.wasClean
      ? {}
      : { 'error.type': closeInfo.error?.code ?? closeInfo.cause };
    duration.record((closeInfo.closed - closeInfo.opened) / 1000, failure);
  });
  subscribe('ws6455:message', ({ direction, opcode, wireBytes }) => {
    const attributes = { 'network.io.direction': DIRECTION[direction] };
    messages.add(1, { ...attributes, 'websocket.message.type': opcode === 1 ? 'text' : 'binary' });
    io.add(wireBytes, attributes);
  });
};

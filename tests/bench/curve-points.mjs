/**
 * What grows, one row per curve: `x` is what the chart has below, `load` the options of the load
 * generator (see the head of wsload.c). What does not grow stays as it is along a curve.
 */
const KIB = 1024;
const SIZES = Array.from({ length: 11 }, (_, power) => 16 * 4 ** power);
const DECADES = [1, 10, 100, 1_000, 10_000];

const echo = (load) => ({ conns: 4, size: 64, pipeline: 1, binary: true, ...load });
const CPU = 'µs';

export const CURVES = [
  {
    id: 'size',
    title: 'Echo of one message: CPU by its size',
    xTitle: 'message size, 4 connections',
    xUnit: 'bytes',
    unit: CPU,
    points: SIZES.map((x) => ({ x, load: echo({ size: x }) })),
  },
  {
    id: 'connections',
    title: 'Echo of 64 B: CPU by connections, one message in flight each',
    xTitle: 'connections',
    unit: CPU,
    points: DECADES.map((x) => ({ x, load: echo({ conns: x }) })),
  },
  {
    id: 'fragments-64KiB',
    title: 'Echo of 64 KiB that come in n fragments: CPU',
    xTitle: 'fragments per message, 64 KiB in all, 4 connections',
    unit: CPU,
    points: DECADES.map((x) => ({ x, load: echo({ size: 64 * KIB, fragments: x }) })),
  },
  {
    id: 'fragments-64B',
    title: 'Echo of n fragments of 64 B: CPU',
    xTitle: 'fragments per message, 64 B each, 4 connections',
    unit: CPU,
    points: DECADES.map((x) => ({ x, load: echo({ size: 64 * x, fragments: x }) })),
  },
  {
    id: 'memory',
    title: 'JavaScript memory per idle connection',
    xTitle: 'idle connections',
    unit: 'bytes',
    points: [100, 300, 1_000, 3_000, 10_000].map((x) => ({ x, load: { mode: 'idle', conns: x } })),
  },
];

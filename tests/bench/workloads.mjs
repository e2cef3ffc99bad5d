/**
 * What is measured: one row per workload. `load` holds the options of the load generator (see the
 * head of wsload.c), `targets` what the subject must reach for `--check`, as a multiple of a peer's
 * CPU time per message.
 */

/** No workload may cost more than the peer's, beyond what noise explains. */
const NEVER_SLOWER = { against: 'ws', atMost: 1.05 };

export const WORKLOADS = [
  {
    id: '64Bx1',
    title: 'echo 64 B ×1, 50 connections',
    load: { conns: 50, size: 64, pipeline: 1, binary: true },
    targets: [NEVER_SLOWER],
  },
  {
    id: '64Bx16',
    title: 'echo 64 B ×16, 50 connections',
    load: { conns: 50, size: 64, pipeline: 16, binary: true },
    targets: [{ against: 'ws', atMost: 0.2 }],
  },
  {
    id: '16KiB',
    title: 'echo 16 KiB, 20 connections',
    load: { conns: 20, size: 16 * 1024, pipeline: 1, binary: true },
    targets: [NEVER_SLOWER],
  },
  {
    id: '1MiB',
    title: 'echo 1 MiB, 4 connections',
    load: { conns: 4, size: 1024 * 1024, pipeline: 1, binary: true },
    targets: [NEVER_SLOWER],
  },
];

/** The rows whose id is named, or, failing that, whose id begins with the name; all without one. */
export function select(names) {
  if (names.length === 0) return WORKLOADS;
  return WORKLOADS.filter(({ id }) => names.some((name) => matches(id, name)));
}

function matches(id, name) {
  const exact = WORKLOADS.some((workload) => workload.id === name);
  return exact ? id === name : id.startsWith(name);
}

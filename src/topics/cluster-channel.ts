/** The channel of a worker to its primary process: one listener for all brokers of the worker. */

import { type ClusterMessage, toClusterMessage, type WorkerPort } from './cluster-port.js';

/** A broker at the channel. */
export interface ChannelMember {
  onMessage(message: ClusterMessage): void;
  onDisconnect(): void;
}

interface Channel {
  readonly members: Map<string, ChannelMember>;
  readonly end: () => void;
}

const channels = new WeakMap<WorkerPort, Channel>();

/**
 * Passes the messages with this name on.
 * @returns a function that ends it, once; after the last one there is no listener left
 */
export function joinChannel(worker: WorkerPort, id: string, member: ChannelMember): () => void {
  const channel = channels.get(worker) ?? openChannel(worker);
  channel.members.set(id, member);
  return () => {
    if (channel.members.delete(id) && channel.members.size === 0) channel.end();
  };
}

function openChannel(worker: WorkerPort): Channel {
  const members = new Map<string, ChannelMember>();
  const onMessage = (given: unknown): void => {
    const message = toClusterMessage(given);
    if (message !== undefined) members.get(message.ws6455)?.onMessage(message);
  };
  const onDisconnect = (): void => {
    for (const member of [...members.values()]) member.onDisconnect();
  };
  const end = (): void => {
    channels.delete(worker);
    worker.off('message', onMessage);
    worker.off('disconnect', onDisconnect);
  };
  worker.on('message', onMessage);
  worker.on('disconnect', onDisconnect);
  const channel = { members, end };
  channels.set(worker, channel);
  return channel;
}

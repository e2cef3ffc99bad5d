/** The topics of the server that stand for a topic of a namespace. */

/** A topic of one namespace. The length keeps apart what a namespace and a topic may contain. */
export function topicOf(namespace: string, topic: string): string {
  return `${namespace.length}:${namespace}:${topic}`;
}

/** A topic of all namespaces: every connection that has the topic is subscribed to it as well. */
export function topicOfAll(topic: string): string {
  return `*:${topic}`;
}

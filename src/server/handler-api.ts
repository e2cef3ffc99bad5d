/** `handle` of a server, for programs. It is documented here only. */

import type { IncomingMessage } from 'node:http';
import type { Authenticate, ServerOnlyOption, WithContext } from './admission-options.js';
import type { AnySocketClass, ServerOptions } from './options.js';

/** The options of a route, over those of its server. */
export type RouteOptions<
  T extends AnySocketClass = AnySocketClass,
  U extends typeof IncomingMessage = typeof IncomingMessage,
> = Omit<ServerOptions<T, U>, ServerOnlyOption>;

/** Handles one connection, until its promise is settled. */
export type ConnectionHandler<
  Class extends AnySocketClass,
  U extends typeof IncomingMessage,
  Context,
> = (
  socket: WithContext<InstanceType<Class>, Context>,
  request: InstanceType<U>,
) => PromiseLike<unknown>;

/** Handlers of connections. */
export interface HandlerApi<
  T extends AnySocketClass,
  U extends typeof IncomingMessage,
  Context = unknown,
> {
  /**
   * Sets the handler of new connections: an async function that is called with each of them, in the
   * place of a listener of 'connection'. With a path it adds an endpoint, as `route` does, that has this
   * handler in the place of a listener. When the handler returns, the connection is closed with 1000; a
   * function that is not async returns at once. When it throws, the connection is closed with 1011 and
   * 'socketError' has the error, unless that is the CloseError of an iteration of this connection.
   * Messages are held from the start, so the handler may await other things before it iterates.
   * @param path as for `route`. Default: the connections of 'connection'
   * @param options as for `route`
   * @param handler called with the connection and its request
   * @returns the server
   * @throws TypeError for a handler that is no function; Error if there is a handler; what `route` throws
   */
  handle<Class extends AnySocketClass = T, RouteContext = Context>(
    path: string,
    options: RouteOptions<Class, U> & {
      authenticate?: Authenticate<InstanceType<U>, RouteContext> | undefined;
    },
    handler: ConnectionHandler<Class, U, RouteContext>,
  ): this;
  /** A handler of an endpoint that has no options of its own. */
  handle(path: string, handler: ConnectionHandler<T, U, Context>): this;
  /** Sets the handler of 'connection'. With routes, only the option `path` leads there. */
  handle(handler: ConnectionHandler<T, U, Context>): this;
}

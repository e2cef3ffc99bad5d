/** WHATWG WebSockets §3: the class WebSocket. */

export class WebSocket extends EventTarget {}

"""Python's autobahn as a peer. Arguments: role (client | server), transport (tcp | tls).

See support/puppet.mjs for the protocol.
"""

import asyncio
import json
import os
import ssl
import sys

from autobahn.asyncio.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)

ROLE, TRANSPORT = sys.argv[1:3]
CERTIFICATE = os.environ.get("INTEROP_CERT")
SCHEME = "wss" if TRANSPORT == "tls" else "ws"
SUBPROTOCOL = "chat.v2"


def report(line):
    print(json.dumps(line), flush=True)


class Peer:
    identity = None

    def begin(self, identity, protocol):
        self.identity = identity
        self.subprotocol = protocol or ""

    def onOpen(self):
        report({"id": self.identity, "opened": {"protocol": self.subprotocol}})

    def onMessage(self, payload, isBinary):
        if not isBinary and payload.startswith(b"do:"):
            self.obey(json.loads(payload[3:]))
        else:
            self.sendMessage(payload, isBinary)

    def obey(self, order):
        if "close" in order:
            self.sendClose(*order["close"])
        if "drop" in order:
            self.transport.abort()
        if "fragments" in order:
            self.send_fragments(order["fragments"])
        if "ping" in order:
            self.sendPing(order["ping"].encode())

    def send_fragments(self, texts):
        self.beginMessage()
        for text in texts:
            self.sendMessageFrame(text.encode())
        self.endMessage()

    def onPong(self, payload):
        self.sendMessage(b"pong " + payload)

    def onClose(self, wasClean, code, reason):
        if self.identity is None:
            return
        seen = [self.remoteCloseCode, self.remoteCloseReason] if wasClean else [1006, None]
        code, reason = seen
        report({"id": self.identity, "closed": {"code": code or 1005, "reason": reason or ""}})


class Server(Peer, WebSocketServerProtocol):
    def onConnect(self, request):
        protocol = SUBPROTOCOL if SUBPROTOCOL in request.protocols else None
        self.begin(request.path, protocol)
        return protocol


class Client(Peer, WebSocketClientProtocol):
    def onConnect(self, response):
        self.begin(self.factory.identity, response.protocol)


async def read_lines():
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def accept_offers(deflate):
    def accept(offers):
        for offer in offers:
            if isinstance(offer, PerMessageDeflateOffer):
                return PerMessageDeflateOfferAccept(
                    offer,
                    request_no_context_takeover=deflate.get("clientNoContextTakeover", False),
                    request_max_window_bits=deflate.get("clientMaxWindowBits", 0),
                )

    return accept


def accept_response(response):
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)


async def listen(deflate):
    context = None
    if TRANSPORT == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, os.environ["INTEROP_KEY"])
    factory = WebSocketServerFactory()
    factory.protocol = Server
    if deflate is not None:
        factory.setProtocolOptions(perMessageCompressionAccept=accept_offers(deflate))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context)
    return f"{SCHEME}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def serve():
    report({"base": await listen(None)})
    async for order in read_lines():
        report({"id": order["id"], "listening": await listen(order.get("deflate"))})


async def open_client(order, context):
    factory = WebSocketClientFactory(order["url"], protocols=order["protocols"])
    factory.protocol = Client
    factory.identity = order["id"]
    deflate = order.get("deflate")
    if deflate is not None:
        offer = PerMessageDeflateOffer(
            accept_no_context_takeover=deflate.get("clientNoContextTakeover", False),
            request_no_context_takeover=deflate.get("serverNoContextTakeover", False),
            request_max_window_bits=deflate.get("serverMaxWindowBits", 0),
        )
        factory.setProtocolOptions(
            perMessageCompressionOffers=[offer], perMessageCompressionAccept=accept_response
        )
    loop = asyncio.get_running_loop()
    await loop.create_connection(factory, factory.host, factory.port, ssl=context)


async def connect():
    context = ssl.create_default_context(cafile=CERTIFICATE) if TRANSPORT == "tls" else None
    report({"base": ""})
    async for order in read_lines():
        asyncio.create_task(open_client(order, context))


asyncio.run(serve() if ROLE == "server" else connect())

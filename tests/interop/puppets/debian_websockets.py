"""Python's websockets as a peer. Arguments: role (client | server), transport (tcp | tls).

See support/puppet.mjs for the protocol.
"""

import asyncio
import json
import os
import ssl
import sys

import websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

ROLE, TRANSPORT = sys.argv[1:3]
CERTIFICATE = os.environ.get("INTEROP_CERT")
SUBPROTOCOL = "chat.v2"
MAX_SIZE = 2**22


def report(line):
    print(json.dumps(line), flush=True)


async def parts(texts):
    for text in texts:
        yield text


async def ping(socket, payload):
    pong = await socket.ping(payload)
    await pong
    await socket.send("pong " + payload)


async def obey(socket, order):
    if "close" in order:
        await socket.close(*order["close"])
    if "drop" in order:
        socket.transport.abort()
    if "fragments" in order:
        await socket.send(parts(order["fragments"]))
    if "ping" in order:
        asyncio.create_task(ping(socket, order["ping"]))


async def play(socket, identity):
    report({"id": identity, "opened": {"protocol": socket.subprotocol or ""}})
    try:
        async for message in socket:
            if isinstance(message, str) and message.startswith("do:"):
                await obey(socket, json.loads(message[3:]))
            else:
                await socket.send(message)
    except websockets.ConnectionClosed:
        pass
    await socket.wait_closed()
    closed = {"code": socket.close_code, "reason": socket.close_reason}
    report({"id": identity, "closed": closed})


async def read_lines():
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def compression(factory, deflate):
    if deflate is None:
        return {}
    parameters = {
        "server_no_context_takeover": deflate.get("serverNoContextTakeover", False),
        "client_no_context_takeover": deflate.get("clientNoContextTakeover", False),
        "server_max_window_bits": deflate.get("serverMaxWindowBits"),
    }
    if "clientMaxWindowBits" in deflate:
        parameters["client_max_window_bits"] = deflate["clientMaxWindowBits"]
    return {"compression": None, "extensions": [factory(**parameters)]}


async def listen(deflate):
    context = None
    if TRANSPORT == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, os.environ["INTEROP_KEY"])
    server = await websockets.serve(
        lambda socket: play(socket, socket.path),
        "127.0.0.1",
        0,
        ssl=context,
        subprotocols=[SUBPROTOCOL],
        max_size=MAX_SIZE,
        **compression(ServerPerMessageDeflateFactory, deflate),
    )
    port = server.sockets[0].getsockname()[1]
    return f"{'wss' if context else 'ws'}://127.0.0.1:{port}"


async def serve():
    report({"base": await listen(None)})
    async for order in read_lines():
        report({"id": order["id"], "listening": await listen(order.get("deflate"))})


async def open_client(order, context):
    try:
        protocols = order["protocols"] or None
        socket = await websockets.connect(
            order["url"],
            ssl=context,
            subprotocols=protocols,
            max_size=MAX_SIZE,
            **compression(ClientPerMessageDeflateFactory, order.get("deflate")),
        )
        await play(socket, order["id"])
    except Exception as error:  # whatever it is, the driver prints it
        report({"id": order["id"], "failed": repr(error)})


async def connect():
    context = ssl.create_default_context(cafile=CERTIFICATE) if TRANSPORT == "tls" else None
    report({"base": ""})
    async for order in read_lines():
        asyncio.create_task(open_client(order, context))


asyncio.run(serve() if ROLE == "server" else connect())

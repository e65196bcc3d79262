"""An SMTP server for the tests of mail: tells on stdout, a line of JSON each, its port and then every mail that it took.

    smtpd.py PORT CERT KEY plain|starttls|tls USER PASSWORD

With a USER, nobody sends without the password. What a mail's first recipient is called decides what becomes of it:
permanent@ 550, later@ 451, hang@ no answer to the data, lost@ takes the mail and hangs up without an answer, once@ is lost@ the first time only.
"""
import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

port, cert, key, mode, user, password = sys.argv[1:7]
seen = set()
# Its warnings are about what the tests do on purpose.
logging.disable()
warnings.simplefilter("ignore")


def tell(value):
    print(json.dumps(value), flush=True)


def part(p):
    content = p.get_content()
    if isinstance(content, bytes):
        content = content.decode("latin-1")
    return {"type": p.get_content_type(), "name": p.get_filename(), "id": p["content-id"], "content": content}


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("permanent@"):
            return "550 5.1.1 nobody of that name"
        if address.startswith("later@"):
            return "451 4.3.0 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = envelope.rcpt_tos[0].split("@")[0]
        if name == "hang":
            await asyncio.sleep(3600)
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        tell({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or mode == "tls",
            "user": session.authenticated and user or None,
            "headers": [[name, str(value)] for name, value in message.items()],
            "shape": [p.get_content_type() for p in message.walk()],
            "parts": [part(p) for p in message.walk() if not p.is_multipart()],
        })
        if name == "lost" or (name == "once" and name not in seen):
            seen.add(name)
            server.transport.abort()
        return "250 OK"


def login(server, session, envelope, mechanism, data):
    good = data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=good, handled=False)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    options = {"hostname": "localhost", "enable_SMTPUTF8": True, "loop": asyncio.get_running_loop()}
    if mode == "starttls":
        options.update(tls_context=context, require_starttls=True)
    if user:
        options.update(authenticator=login, auth_required=True, auth_require_tls=mode == "starttls")
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Handler(), **options), "127.0.0.1", int(port), ssl=context if mode == "tls" else None
    )
    tell({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main())

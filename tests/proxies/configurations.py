"""Configurations of proxies: those of `deploy/`, with what a test has to change, and those of other people."""

from tests.commands import ROOT

NGINX, HAPROXY = ROOT / "deploy" / "nginx.conf", ROOT / "deploy" / "haproxy.cfg"

# What nginx needs around the part in `deploy/`, without any path that belongs to root.
AROUND_NGINX = """{user}daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
{server}}}
"""
# No more of these are kept waiting than a test has clients.
MANY = 100_000

# What authentik's documentation asks for in front of authentik, in place of what `deploy/` says of `Upgrade`.
UPGRADE_MAP = """map $http_upgrade $connection_upgrade_keepalive {
    default upgrade;
    ''      '';
}

upstream flows {"""
UPGRADING = (
    ("upstream flows {", UPGRADE_MAP),
    ('proxy_set_header Upgrade "";', "proxy_set_header Upgrade $http_upgrade;"),
    ('proxy_set_header Connection "";', "proxy_set_header Connection $connection_upgrade_keepalive;"),
)
UNBUFFERED = (("proxy_request_buffering on;", "proxy_request_buffering off;"),)
REUSING = (("http-reuse safe", "http-reuse always"), ("    http-request del-header Upgrade\n", ""))
STREAMING = (("    option http-buffer-request\n", ""),)


def replaced(text, *pairs):
    """A text with some of it replaced, all of which has to be there once."""
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def nginx(folder, user, port, server, *changes, rate=MANY):
    """The configuration of an nginx without TLS.

    :param folder: where it keeps its files
    :param user: whom its workers run as; empty if it is not started as root
    :param port: where it listens, at 127.0.0.1
    :param server: host and port of the server behind it
    :param changes: further replacements
    :param rate: requests a second that a client may send
    """
    text = replaced(
        NGINX.read_text(),
        ("server 127.0.0.1:8000;", f"server {server};"),
        ("rate=50r/s", f"rate={rate}r/s"),
        ("burst=100 ", f"burst={2 * rate} "),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port};"),
        ("    ssl_certificate /etc/ssl/flows.example.pem;\n", ""),
        ("    ssl_certificate_key /etc/ssl/flows.example.key;\n", ""),
        *changes,
    )
    return AROUND_NGINX.format(folder=folder, server=text, user=f"user {user};\n" if user else "")


def haproxy(port, server, *changes, rate=MANY):
    """The configuration of an HAProxy without TLS: see `nginx`. :param rate: requests in ten seconds"""
    return replaced(
        HAPROXY.read_text(),
        ("server flows1 127.0.0.1:8000 check", f"server flows1 {server} check"),
        ("gt 500 }", f"gt {rate} }}"),
        ("bind :443 ssl crt /etc/haproxy/flows.example.pem alpn h2,http/1.1", f"bind 127.0.0.1:{port}"),
        *changes,
    )

"""A server that speaks as much of S3 as the store of files asks for, with one bucket in memory."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

_DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
_LISTED = (
    "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    '<ETag>"e"</ETag><Size>{}</Size></Contents>'
)


@dataclass
class Bucket:
    """What the server was given: files by path, parts of uploads under way, and whether all was signed."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    parts: dict[int, bytes] = field(default_factory=dict)
    are_signed: set[bool] = field(default_factory=set)
    is_broken: bool = False


@contextmanager
def open_bucket() -> Iterator[Bucket]:
    """The server, as long as the block lasts."""
    bucket = Bucket()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(bucket))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    bucket.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(bucket: Bucket) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            bucket.are_signed.add(self.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256"))
            asked = urlsplit(self.path)
            query = {
                name: values[0] for name, values in parse_qs(asked.query, keep_blank_values=True).items()
            }
            status, answer = 503, b""
            if not bucket.is_broken:
                status, answer = _answer(bucket, (self.command, unquote(asked.path)), query, body)
            self.send_response(status)
            for name, value in {"Content-Length": len(answer), "ETag": '"e"', "Last-Modified": _DATE}.items():
                self.send_header(name, str(value))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_HEAD = handle_any  # noqa: N815 (the base class names them)
        do_PUT = do_POST = handle_any  # noqa: N815 (the base class names them)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class has it)
            del format, args

    return Handler


def _answer(bucket: Bucket, asked: tuple[str, str], query: dict[str, str], body: bytes) -> tuple[int, bytes]:
    command, path = asked
    answer = b""
    if "list-type" in query:
        answer = _listing(bucket, query["prefix"])
    elif "delete" in query:
        answer = _delete(bucket, path.rstrip("/"), body)
    elif "uploads" in query:
        answer = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
    elif "partNumber" in query:
        bucket.parts[int(query["partNumber"])] = body
    elif "uploadId" in query:
        bucket.files[path] = b"".join(bucket.parts[number] for number in sorted(bucket.parts))
        answer = b'<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>'
    elif command == "PUT":
        bucket.files[path] = body
    elif path in bucket.files:
        answer = bucket.files[path]
    else:
        return 404, b"<Error><Code>NoSuchKey</Code></Error>"
    return 200, answer


def _delete(bucket: Bucket, root: str, body: bytes) -> bytes:
    keys = re.findall(r"<Key>(.*?)</Key>", body.decode())
    for key in keys:
        bucket.files.pop(f"{root}/{key}", None)
    told = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
    return f"<DeleteResult>{told}</DeleteResult>".encode()


def _listing(bucket: Bucket, prefix: str) -> bytes:
    keys = {path.split("/", 2)[2]: len(content) for path, content in bucket.files.items()}
    found = "".join(_LISTED.format(key, size) for key, size in keys.items() if key.startswith(prefix))
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode()

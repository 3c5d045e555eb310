"""Bodies of `multipart/form-data`."""

_BOUNDARY = "a boundary that stands in no test's file"


def form(texts=None, **files):
    """A form.

    :param texts: its texts, by name
    :param files: its files, by name: what each is called, its media type (none if empty), and its content
    :returns: the body, and the headers that it needs
    """
    parts = [(f'name="{name}"', "", text.encode()) for name, text in (texts or {}).items()]
    parts += [(f'name="{name}"; filename="{file[0]}"', *file[1:]) for name, file in files.items()]
    body = b""
    for disposition, media_type, content in parts:
        headers = f"Content-Disposition: form-data; {disposition}\r\n"
        headers += f"Content-Type: {media_type}\r\n" if media_type else ""
        body += f"--{_BOUNDARY}\r\n{headers}\r\n".encode() + content + b"\r\n"
    body += f"--{_BOUNDARY}--\r\n".encode()
    return body, {"content-type": f'multipart/form-data; boundary="{_BOUNDARY}"'}

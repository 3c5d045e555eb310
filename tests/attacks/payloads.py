"""What attackers plant, by what it is meant to get out of."""

SQL = (
    "'", '"', "`", "\\", "\\'", "';--", "/*", "'||'", "' OR '1'='1", "') OR 1=1--", '" OR ""="', "' OR 1=1#",
    "x'; DROP TABLE flows; --", "x'); DELETE FROM objects; COMMIT; --", "' UNION SELECT digest FROM tokens--",
    "'||(SELECT digest FROM tokens)||'", "1;SELECT pg_sleep(9)", "%", "_", "%' ESCAPE '", "[a-z]*", "$1", "$$", "$tag$",
    ":name", ":filter_name", "?", "?1", "@p", "%s", "%(name)s", "{}", "{0}", "{name}", "$.name", '$."name"', '["', "{}'", "*",
    "flow*", "NEAR(flow a)", "name:flow", "flow OR a", "flow AND NOT a", '"flow" "a"', "^flow", "-flow", "(flow", "&", "|",
    "!flow", "E'\\x27'", "U&'\\0027'", "\\000", "\uff07", "\u02bc OR 1=1", "\x1a'", "\u202e'", "\U0001f600'",
)  # fmt: skip
"""Quotes, comments, further statements, wildcards, parameters, paths of JSON and queries of text search, of each database."""

NUL = ("\0", "'\0", "a\0' OR 1=1")
"""No database has such a text."""

LINES = (
    "\r\nSet-Cookie: planted=1", "\nSet-Cookie: planted=1", "\r\n\r\n<script>", "\rX-Planted: 1", "\x0bX-Planted: 1",
    "\x85X-Planted: 1", "\u2028X-Planted: 1", "\u560d\u560aX-Planted: 1", "%0d%0aX-Planted:%201", "\\r\\nX-Planted: 1",
)  # fmt: skip
"""Ends of lines, some of them only after a careless change of the encoding."""

FOLDERS = (
    "../../etc/passwd", "../" * 12 + "etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "//etc/passwd", "\\\\host\\share",
    "C:\\windows\\win.ini", "file:///etc/passwd", "....//....//etc/passwd", "..;/etc/passwd", "%2e%2e%2fetc%2fpasswd",
    "%2e%2e/etc/passwd", "..%2fetc%2fpasswd", "..%5cetc%5cpasswd", "%252e%252e%252fetc%252fpasswd", "..%c0%afetc/passwd",
    "%00/etc/passwd", "passwd%00.png", "\uff0e\uff0e/etc/passwd", "\u2024\u2024/etc/passwd", "..\u2215etc\u2215passwd",
    "~/.ssh/id_rsa", "~root", "../..//planted.example/x", ".", "..", "...", ".htaccess", "con", "nul.png", "x" * 4000, "../" * 1000,
)  # fmt: skip
"""Ways to a file elsewhere."""

MARKUP = (
    "<script>planted()</script>", "</script><script>planted()</script>", "<planted>", "</code></pre></td></title><planted>",
    '"><img src=x onerror=planted()>', "'><svg onload=planted()>", '" onmouseover="planted()',
    "' onfocus='planted()' autofocus='", "` onload=planted() `", "javascript:planted()",
    "data:text/html,<script>planted()</script>", "<a href=javascript:planted()>x</a>", "<!--<planted>", "--><planted>",
    "]]><planted>", "<![CDATA[<planted>]]>", "&lt;planted&gt;", "&#60;planted&#62;", "\\x3cplanted\\x3e", "+ADw-planted+AD4-",
    "<\x00planted>", "<scr\x00ipt>planted()</scr\x00ipt>", "\uff1cplanted\uff1e", "{{ 7 * 191 }}", "{% planted %}", "${7*191}",
    "`<planted>`", "**<planted>**", "`**`<planted>`**`", "[planted](javascript:planted())", "![planted](x onerror=planted())",
)  # fmt: skip
"""Scripts, elements, attributes and templates."""

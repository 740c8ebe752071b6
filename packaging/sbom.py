"""What a release consists of and links: a bill of materials in the format of SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/).

Versions are those of the Debian packages on the machine that has made the release.
"""

import re
import subprocess

RUNTIME = ("GPL-3.0-or-later WITH GCC-exception-3.1", "https://gcc.gnu.org")

# Debian's package, the name and licence of what is in it, where it comes from.
LINUX = {
    "liburing2": ("liburing", "LGPL-2.1-or-later OR MIT", "https://git.kernel.dk/cgit/liburing"),
    "libstdc++6": ("libstdc++", *RUNTIME),
    "libgcc-s1": ("libgcc", *RUNTIME),
    "libc6": ("glibc", "LGPL-2.1-or-later", "https://www.gnu.org/software/libc"),
}
WINDOWS = {
    "gcc-mingw-w64-x86-64-posix-runtime": ("libstdc++ and libgcc for Windows", *RUNTIME),
    "mingw-w64-x86-64-dev": ("mingw-w64 run-time and winpthreads", "NOASSERTION", "https://www.mingw-w64.org"),
}
PROGRAM = {
    "libcli11-dev": ("CLI11", "BSD-3-Clause", "https://github.com/CLIUtils/CLI11"),
    "nlohmann-json3-dev": ("JSON for Modern C++", "MIT", "https://github.com/nlohmann/json"),
}

# By the name of a file: what is linked to it when it runs, and what is in it.
LINKED = [
    (re.compile(r"^libiocpp[\d.]+_.*\.deb$"), LINUX, {}),
    (re.compile(r"^iocpp-tools_.*\.deb$"), LINUX, PROGRAM),
    (re.compile(r"^libiocpp-dev_.*\.deb$"), {"liburing2": LINUX["liburing2"]}, {}),
    (re.compile(r"^iocpp-.*-windows-.*\.zip$"), {}, {**WINDOWS, **PROGRAM}),
]


def debian_version(package):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True,
                          check=True).stdout


def identifier(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def made(name, version, digest):
    """A file of the release."""
    return {"name": name, "SPDXID": identifier(name), "versionInfo": version, "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseConcluded": "BSL-1.0", "licenseDeclared": "BSL-1.0",
            "copyrightText": "NOASSERTION", "packageFileName": name,
            "checksums": [{"algorithm": "SHA256", "checksumValue": digest}]}


def foreign(package, described, version):
    name, licence, home = described
    # A purl's version is percent-encoded where it has a "+" or ":" (https://github.com/package-url/purl-spec).
    encoded = version.replace("+", "%2B").replace(":", "%3A")
    return {"name": name, "SPDXID": identifier(package), "versionInfo": version, "downloadLocation": home,
            "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": licence,
            "copyrightText": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": f"pkg:deb/debian/{package.replace('+', '%2B')}@{encoded}"}]}


def relation(source, kind, target):
    return {"spdxElementId": source, "relationshipType": kind, "relatedSpdxElement": target}


def document(version, files, created, commit, versions=debian_version):
    """The bill for `files` (name: SHA-256). `created`: ISO 8601 in UTC; `versions`: a Debian package's version."""
    packages = {name: made(name, version, digest) for name, digest in sorted(files.items())}
    relations = [relation("SPDXRef-DOCUMENT", "DESCRIBES", identifier(name)) for name in sorted(files)]
    for name in sorted(files):
        for pattern, shared, within in LINKED:
            if not pattern.match(name):
                continue
            for kind, linked in (("DYNAMIC_LINK", shared), ("STATIC_LINK", within)):
                for package, described in linked.items():
                    packages.setdefault(package, foreign(package, described, versions(package)))
                    relations.append(relation(identifier(name), kind, identifier(package)))
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"iocpp-{version}",
            "documentNamespace": f"https://spdx.org/spdxdocs/iocpp-{version}-{commit}",
            "creationInfo": {"created": created, "creators": ["Tool: scripts/release"]},
            "packages": list(packages.values()), "relationships": relations}

"""Each way in which somebody else's project takes iocpp, from an installed folder, a package or the sources."""

import os
import pathlib
import re
import shutil
import subprocess

from served import Failed, run, serve_one

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSUMER = ROOT / "tests" / "packaging" / "consumer"
CXX = ["g++", "-std=c++20"]
# The archive of the tests' own build is compiled with the stack protector; that of scripts/package does without.
MINGW_FLAGS = "-fstack-protector-strong"
MINGW = ["x86_64-w64-mingw32-g++-posix", "-std=c++20", "-static", MINGW_FLAGS]


def version():
    return re.search(r"project\(iocpp VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")).group(1)


def soversion():
    return ".".join(version().split(".")[:2]) if version().startswith("0.") else version().split(".")[0]


def needed(program):
    """The shared libraries that a program asks for by itself."""
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", program))


def expect(kind, program):
    """The program has the static library in it, or asks for the shared one by its soname."""
    shared = f"libiocpp.so.{soversion()}" in needed(program)
    if shared != (kind == "shared"):
        raise Failed(f"{program} was to be linked with the {kind} library, and needs {needed(program)}")


def configured(folder, *options, project=CONSUMER):
    """Configures and builds the consumer's project in `folder`."""
    said = run("cmake", "-G", "Ninja", "-S", project, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", *options)
    return said + run("cmake", "--build", folder, "-j2")


def served(program, **options):
    return serve_one(program, version=version(), **options)


class Installed:
    """An installed folder, as `cmake --install` has made it, moved to another place since."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.libraries = next(prefix.rglob("libiocpp.a")).parent

    def environment(self):
        """Of a program that finds a shared library in the folder."""
        return {**os.environ, "LD_LIBRARY_PATH": str(self.libraries)}

    def said(self, *words):
        """What pkg-config says."""
        return run("pkg-config", *words, env={**os.environ, "PKG_CONFIG_PATH": str(self.libraries / "pkgconfig")}).split()

    def flags(self, *options):
        """For the library; it must be found in the folder, and no other."""
        flags = self.said("--cflags", "--libs", *options, "iocpp")
        if f"-L{self.libraries}" not in [os.path.normpath(flag) if flag[0] != "-" else
                                         flag[:2] + os.path.normpath(flag[2:]) for flag in flags]:
            raise Failed(f"pkg-config says {flags}, and the libraries are in {self.libraries}")
        return flags

    def found(self, folder, components, programs, *options):
        """The consumer's project, which finds the folder by find_package."""
        return configured(folder, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DWAY=find_package",
                          f"-DCOMPONENTS={components}", f"-DPROGRAMS={programs}", *options)


def find_package(installed, folder, components, kind):
    said = installed.found(folder, components, "echo")
    expect(kind, folder / "echo")
    return said + served(folder / "echo")  # CMake's build tree has the library's place in the program (RPATH).


def find_simulator(installed, folder):
    said = installed.found(folder, "simulator", "simulated;echo")
    expect("static", folder / "echo")
    return said + run(folder / "simulated")


def refused(installed, folder):
    """A component that there is none, and a version that is another API."""
    for components, request, why in (("tls", "0.1", "no component tls"), ("static;shared", "0.1", "either"),
                                     ("", "0.0", "0.0"), ("", "0.2", "0.2"),
                                     ("", "1.0", "1.0")):
        project = folder / f"{components}-{request}".replace(";", "-and-")
        project.mkdir(parents=True)
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(refused LANGUAGES CXX)\n"
            f"find_package(iocpp {request} REQUIRED COMPONENTS {components})\n", encoding="utf-8")
        try:
            run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={installed.prefix}")
        except Failed as failure:
            if why not in str(failure):
                raise
            continue
        raise Failed(f"find_package(iocpp {request} COMPONENTS {components}) found something")
    return "refused"


def pkg_config(installed, folder, kind):
    """Nothing but the compiler and pkg-config."""
    folder.mkdir()
    linked = ["-static"] if kind == "static" else []
    run(*CXX, *linked, CONSUMER / "echo.cpp", *installed.flags(*(f"-{word}" for word in linked)), "-o", folder / "echo")
    expect(kind, folder / "echo")
    return served(folder / "echo", env=installed.environment())


def pkg_config_in_its_own_folder(installed, folder):
    """A folder that the system's loader does not know: the program has the place in it, as docs/PACKAGING.md says."""
    folder.mkdir()
    libraries, = installed.said("--variable=libdir", "iocpp")
    run(*CXX, CONSUMER / "echo.cpp", *installed.flags(), f"-Wl,-rpath,{libraries}", "-o", folder / "echo")
    expect("shared", folder / "echo")
    return served(folder / "echo")


def pkg_config_static_beside_shared(installed, folder):
    """The one library by its file, although the other is there."""
    folder.mkdir()
    libraries, = installed.said("--variable=libdir", "iocpp")
    run(*CXX, CONSUMER / "echo.cpp", *installed.said("--cflags", "iocpp"), f"{libraries}/libiocpp.a",
        *installed.said("--libs", "liburing"), "-pthread", "-o", folder / "echo")
    expect("static", folder / "echo")
    return served(folder / "echo")


def pkg_config_simulator(installed, folder):
    folder.mkdir()
    run(*CXX, CONSUMER / "simulated.cpp", *installed.said("--cflags", "--libs", "iocpp-simulator"), "-o", folder / "simulated")
    expect("static", folder / "simulated")
    return run(folder / "simulated")


def embedded(way, folder, *options):
    """The sources in the consumer's tree: add_subdirectory, or FetchContent without a network."""
    said = configured(folder, f"-DWAY={way}", f"-DIOCPP_SOURCE={ROOT}", "-DPROGRAMS=echo", *options)
    expect("shared" if "-DBUILD_SHARED_LIBS=ON" in options else "static", folder / "echo")
    if list(folder.rglob("libiocpp_simulator.a")):
        raise Failed("the simulator was built, and nobody links it")
    return said + served(folder / "echo")


def no_foreign_paths(installed):
    """Nothing in the folder names the place where it was built."""
    for file in installed.prefix.rglob("*"):
        if file.is_file() and file.suffix in {".cmake", ".pc", ".hpp"} and str(ROOT) in file.read_text(encoding="utf-8"):
            raise Failed(f"{file} names {ROOT}")
    return "none"


def windows_archive(archive, folder):
    """The archive for Windows: its program, and the consumer by CMake and by pkg-config, in Wine."""
    if shutil.which("wine") is None or shutil.which(MINGW[0]) is None:
        return None
    wine = ROOT / "scripts" / "wine"
    shutil.unpack_archive(archive, folder)
    installed = Installed(next(folder.iterdir()))
    said = run(wine, installed.prefix / "bin" / "iocpp.exe", "--help")
    build = folder / "build"
    said += installed.found(build, "static", "echo", f"-DCMAKE_TOOLCHAIN_FILE={ROOT}/cmake/mingw-w64-x86-64.cmake",
                            f"-DCMAKE_CXX_FLAGS={MINGW_FLAGS}", f"-Diocpp_DIR={installed.libraries}/cmake/iocpp")
    said += served_in_wine(wine, build / "echo.exe")
    run(*MINGW, CONSUMER / "echo.cpp", *installed.flags(), "-o", folder / "echo.exe")
    return said + served_in_wine(wine, folder / "echo.exe")


def served_in_wine(wine, program):
    return serve_one(wine, program, version=version())


def debian_packages(packages, folder):
    """The three packages installed by apt, in a root of its own; where that can't be had, unpacked beside each other."""
    isolated = ROOT / "tests" / "packaging" / "isolated"
    if os.geteuid() == 0 and subprocess.run([isolated, "true"], capture_output=True, check=False).returncode == 0:
        return run(isolated, ROOT / "tests" / "packaging" / "installed", ROOT, version(), *packages)
    for package in packages:
        run("dpkg", "-x", package, folder)
    installed = Installed(folder / "usr")
    build = folder / "build"
    run(*CXX, CONSUMER / "echo.cpp", *installed.flags(), "-o", folder / "echo")
    said = served(folder / "echo", env=installed.environment())
    return "unpacked only, since apt can't be used here\n" + said + find_package(installed, build, "static", "static")


def debian_fields(packages):
    """What the packages say that they need."""
    listed = {run("dpkg-deb", "-f", package, "Package").strip(): run("dpkg-deb", "-f", package, "Depends")
              for package in packages}
    runtime = f"libiocpp{soversion()}"
    wanted = {runtime: ["libc6", "libstdc++6", "liburing2"], "iocpp-tools": ["libc6", "libstdc++6", "liburing2"],
              "libiocpp-dev": [f"{runtime} (= {version()}-", "liburing-dev"]}
    for name, depends in wanted.items():
        missing = [one for one in depends if one not in listed.get(name, "")]
        if missing:
            raise Failed(f"{name} depends on {listed.get(name)}, not on {missing}")
    return str(listed)

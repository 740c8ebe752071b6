"""Conan 2, from the sources that this recipe lies in: conan create packaging/conan"""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

SOURCES = ("CMakeLists.txt", "LICENSE", "CHANGELOG.md", "cmake/*", "include/*", "packaging/*", "src/*")


class Iocpp(ConanFile):
    name = "iocpp"
    description = "TCP server library for C++20 on completion ports"
    license = "BSL-1.0"
    settings = "os", "arch", "compiler", "build_type"
    package_type = "library"
    options = {"shared": [True, False]}
    default_options = {"shared": False}

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        project = load(self, os.path.join(self._root, "CMakeLists.txt"))
        self.version = re.search(r"project\(iocpp VERSION (\S+)", project).group(1)

    def export_sources(self):
        for pattern in SOURCES:
            copy(self, pattern, self._root, self.export_sources_folder)

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os not in ("Linux", "Windows") or self.settings.compiler == "msvc":
            raise ConanInvalidConfiguration("iocpp is for Linux, and for Windows by mingw-w64")

    def requirements(self):
        if self.settings.os == "Linux":
            self.requires("liburing/[>=2.2]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "TOOLS", "EXAMPLES"):
            toolchain.variables[f"IOCPP_{part}"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        # The package's own files for CMake say more than what Conan would write.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("lib", "cmake", "iocpp")]
        self.cpp_info.libs = ["iocpp"]
        if self.settings.os == "Windows":
            self.cpp_info.system_libs = ["ws2_32", "mswsock", "ntdll"]
        else:
            self.cpp_info.system_libs = ["pthread"]

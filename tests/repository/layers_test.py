"""The layer test must find what it is there to find: made-up trees, each with one violation."""

import pathlib
import tempfile
import unittest

import layers

LAWFUL = {
    "include/iocpp/server.hpp": "#pragma once\n#include <span>\n#include <iocpp/version.hpp>\n",
    "include/iocpp/version.hpp": '#define IOCPP_VERSION "1"\n#define IOCPP_EXPORT\n',
    "src/base/list.hpp": "#include <cstddef>\n",
    "src/core/slot.hpp": '#include "base/list.hpp"\n#include "core/queue.hpp"\n#include "iocpp/server.hpp"\n',
    "src/core/queue.hpp": "/* #include <sys/socket.h> */\n// #include <unistd.h>\n",
    "src/core/slot_test.cpp": "#include <gtest/gtest.h>\n",
    "src/engine/backend.hpp": '#include "core/slot.hpp"\n',
    "src/backend/io_uring/sys.hpp": "#include <liburing.h>\n",
    "src/backend/io_uring/sys.cpp": '#include <sys/socket.h>\n#include "backend/io_uring/sys.hpp"\n',
    "src/backend/io_uring/backend.hpp": '#include "engine/backend.hpp"\n',
    "src/backend/posix/sockets.cpp": "#include <fcntl.h>\n",
    "src/simulator/network.hpp": '#include "backend/io_uring/backend.hpp"\n',
    "src/server/server.cpp": '#include "backend/io_uring/backend.hpp"\n#include <iocpp/server.hpp>\n#include <thread>\n',
    "tools/iocpp/main.cpp": '#include <CLI/CLI.hpp>\n#include "stress/storm.hpp"\n#include <iocpp/server.hpp>\n',
    "tools/iocpp/text.hpp": "#include <string>\n",
    "tools/iocpp/stress/storm.hpp": '#include <sys/socket.h>\n#include "../text.hpp"\n#include "stress/sockets.hpp"\n',
    "tools/iocpp/stress/sockets.hpp": "",
}


class Layers(unittest.TestCase):
    def violations(self, changed):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**LAWFUL, **changed}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return layers.violations(root)

    def assert_one(self, where, text, words):
        found = self.violations({where: text})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(where + ":"), found)
        self.assertIn(words, found[0])

    def test_a_lawful_tree_has_no_violation(self):
        self.assertEqual(self.violations({}), [])

    def test_public_headers_see_no_system_and_no_library_header(self):
        for header in ("sys/socket.h", "liburing.h", "windows.h", "stdint.h", "gtest/gtest.h"):
            with self.subTest(header):
                self.assert_one("include/iocpp/server.hpp", f"#include <{header}>\n", "no standard header")
        self.assert_one("include/iocpp/server.hpp", '#include "core/slot.hpp"\n', "public headers include <...> only")
        self.assert_one("include/iocpp/server.hpp", "#include <iocpp/absent.hpp>\n", "does not exist")

    def test_public_headers_define_version_and_export_only(self):
        self.assert_one("include/iocpp/server.hpp", "#define IOCPP_LIKELY(x) x\n", "macro IOCPP_LIKELY")
        self.assert_one("include/iocpp/server.hpp", "  #  define MIN(a, b) a\n", "macro MIN")

    def test_a_room_includes_no_room_above_it(self):
        upward = {
            "src/base/list.hpp": "core/slot.hpp",
            "src/core/queue.hpp": "engine/backend.hpp",
            "src/engine/backend.hpp": "backend/io_uring/backend.hpp",
            "src/backend/io_uring/backend.hpp": "simulator/network.hpp",
            "src/server/server.cpp": "simulator/network.hpp",
        }
        for path, included in upward.items():
            with self.subTest(path):
                self.assert_one(path, f'#include "{included}"\n', f'may not include "{included}"')

    def test_system_headers_stay_in_sys_and_posix(self):
        for path in ("src/base/list.hpp", "src/core/queue.hpp", "src/engine/backend.hpp", "src/server/server.cpp",
                     "src/simulator/network.hpp", "src/backend/io_uring/backend.hpp", "src/backend/sys.hpp"):
            with self.subTest(path):
                self.assert_one(path, "#include <sys/socket.h>\n", "no standard header")

    def test_core_knows_no_thread(self):
        self.assert_one("src/core/queue.hpp", "#include <mutex>\n", "no threads")

    def test_an_include_behind_an_if_counts(self):
        self.assert_one("src/core/queue.hpp", "#ifdef _WIN32\n# include <winsock2.h>\n#endif\n", ":2: <winsock2.h>")

    def test_an_include_hidden_in_a_macro_is_refused(self):
        self.assert_one("src/core/queue.hpp", "#include HEADER\n", "must be spelled out")

    def test_nothing_reads_the_wall_clock(self):
        for text in ("auto now = std::chrono::system_clock::now();", "clock_gettime(CLOCK_REALTIME, &now);",
                     "gettimeofday(&now, nullptr);", "GetSystemTimeAsFileTime(&now);", "time(nullptr);"):
            with self.subTest(text):
                self.assert_one("src/core/queue.hpp", f"// a comment on system_clock\n{text}\n", "monotonic clock only")

    def test_quoted_includes_are_relative_to_src(self):
        self.assert_one("src/core/slot.hpp", '#include "queue.hpp"\n', "no file of src/")

    def test_a_new_room_needs_a_row(self):
        self.assert_one("src/shed/rake.hpp", "", "has no row")
        self.assert_one("src/loose.hpp", "", "has no row")

    def test_the_command_line_includes_no_room(self):
        self.assert_one("tools/iocpp/main.cpp", '#include "core/slot.hpp"\n', "no file of tools/iocpp")
        self.assert_one("tools/iocpp/main.cpp", '#include "../../src/core/slot.hpp"\n', "no file of tools/iocpp")

    def test_the_stress_client_reaches_no_public_header(self):
        self.assert_one("tools/iocpp/stress/storm.hpp", "#include <iocpp/server.hpp>\n", "reached from")
        self.assert_one("tools/iocpp/stress/storm.hpp", '#include "iocpp/server.hpp"\n', "reached from")
        self.assert_one("tools/iocpp/text.hpp", "#include <iocpp/version.hpp>\n", "reached from")


if __name__ == "__main__":
    unittest.main()

// IOCPP_EXPORT: what a shared library of iocpp shows. A static library needs none of it, nor does a program.
#pragma once

#if !defined(_WIN32)
#define IOCPP_EXPORT __attribute__((visibility("default")))
#elif defined(IOCPP_EXPORT_FROM_DLL)  // The DLL is being built.
#define IOCPP_EXPORT __declspec(dllexport)
#elif defined(IOCPP_EXPORT_IN_DLL)  // Defined by the target iocpp::iocpp, where that is the DLL.
#define IOCPP_EXPORT __declspec(dllimport)
#else
#define IOCPP_EXPORT
#endif

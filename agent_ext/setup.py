# SPDX-License-Identifier: MIT
"""Builds flowtrace_agent. All metadata is here, so that setuptools 56 (Python 3.8) can."""
import os
import sys
import sysconfig

from setuptools import Extension, setup

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sources  # noqa: E402

if sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit("flowtrace_agent: free-threaded Python is not supported; use a build with the GIL")
if not sys.platform.startswith("linux"):
    sys.exit("flowtrace_agent: only Linux is supported")

here = os.path.relpath(sources.HERE)
core = os.path.relpath(sources.CORE)
frameworks = os.path.relpath(sources.FRAMEWORKS)

setup(
    name="flowtrace_agent",  # the archive's name is made of it; - and _ are one to pip
    version=sources.version(),
    description="Traces the calls of a Python program, with arguments and results, as JSON lines",
    license="MIT",
    python_requires=">=3.8",
    packages=["flowtrace_agent", "flowtrace_agent.frameworks"],
    package_dir={"flowtrace_agent.frameworks": os.path.join(frameworks, "python")},
    package_data={"flowtrace_agent": ["py.typed", "*.pyi"]},
    zip_safe=False,
    ext_modules=[
        Extension(
            "flowtrace_agent._core",
            sources=[os.path.join(here, path) for path in sources.extension()]
            + [os.path.join(frameworks, path) for path in sources.wrappers()]
            + [os.path.join(core, path) for path in sources.core()],
            include_dirs=[os.path.relpath(path) for path in sources.includes()],
            define_macros=[("_GNU_SOURCE", None), ("FT_VERSION", '"%s"' % sources.version())],
            extra_compile_args=sources.FLAGS,
            libraries=sources.LIBRARIES,
        )
    ],
    # async needs no package: it is here so that it can be asked for by this name.
    extras_require={
        "async": [],
        "django": ["django>=3.2"],
        "flask": ["flask>=2.0"],
        "fastapi": ["fastapi>=0.65"],
    },
    entry_points={"console_scripts": ["flowtrace-python = flowtrace_agent.__main__:main"]},
    classifiers=[
        "License :: OSI Approved :: MIT License",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: C",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: Implementation :: CPython",
    ],
)

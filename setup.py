"""What does regNet need, and what of it is installed?"""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent


def version() -> str:
    """Read the version from the package's source, without importing it."""
    source = (HERE / "regnet" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    if found is None:
        raise RuntimeError("regnet/__init__.py holds no __version__")
    return found[1]


LIMIX = [
    # The umbrella package is optional: 87 packages, no build for Python 3.13, and 3.12 only with the
    # pkg_resources of an older setuptools. regnet's engine "limix" needs glimix-core alone.
    "limix==3.0.4; python_version < '3.13'",
    "setuptools<81; python_version < '3.13'",
]
DASK = ["dask>=2024.8", "distributed>=2024.8"]
TEST = [
    "pytest>=8.3,<9",  # pytest-textual-snapshot 1.1 can't do with pytest 9
    "pytest-asyncio>=0.24",
    "pytest-textual-snapshot>=1.1,<2",
    "pytest-xdist>=3.6",
    "hypothesis>=6.125",
    "pexpect>=4.9",
    "pyte>=0.8.2",
    "psutil>=5.9",
]
PEERS = [  # with glimix-core, what tests, benchmarks and "regnet validate" compare with
    "limix-core==1.0.2",  # declares neither six nor the pkg_resources of an older setuptools
    "six>=1.16",
    "setuptools<81",
]
# Linters within a minor release: the next one may find, or lay out, what this one didn't.
LINT = ["mypy>=2.4,<2.5", "ruff>=0.17.6,<0.18", "pandas-stubs>=2.2.3", "scipy-stubs>=1.15"]

setup(
    name="regnet",
    version=version(),
    description="Do linear mixed models find transcription-factor activities better than ridge regression?",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="regNet developers",
    license="MIT",
    license_files=["LICENSE"],
    classifiers=[
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Bio-Informatics",
    ],
    python_requires=">=3.11",
    # The top-level data/ folder becomes the package regnet.data, so that it is found after any install.
    packages=[*find_packages(include=["regnet", "regnet.*", "regnet_tui", "regnet_tui.*"]), "regnet.data"],
    package_dir={"regnet.data": "data"},
    package_data={
        "regnet": ["py.typed", "presets/*.toml"],
        "regnet.data": ["motif/*", "expression/*", "expression/genes/*"],
        "regnet_tui": ["py.typed", "*.tcss"],
    },
    include_package_data=False,
    zip_safe=False,
    install_requires=[
        "numpy>=2.2.1",
        "scipy>=1.15",
        "pandas>=2.2.3",
        "scikit-learn>=1.5.2",
        "joblib>=1.4.2",
        "threadpoolctl>=3.5",
        "glimix-core>=3.1.14",
        "rich>=14.2",
        "textual==8.2.8",  # exactly: minor releases change what screens look like
        "platformdirs>=4.0",
        "tomli-w>=1.0",
    ],
    extras_require={
        "limix": LIMIX,
        "dask": DASK,
        "test": [*TEST, *DASK],
        "dev": [*TEST, *DASK, *PEERS, *LINT],
    },
    entry_points={
        "console_scripts": ["regnet = regnet.cli:main", "regnet-tui = regnet_tui.app:main"],
    },
)

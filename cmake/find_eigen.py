# SPDX-License-Identifier: MIT
"""Prints where the build requirement cmeel-eigen has put Eigen's headers, if it is installed."""

import site
import sys
import sysconfig
from pathlib import Path

for folder in [sysconfig.get_path("platlib"), *site.getsitepackages(), *sys.path]:
    headers = Path(folder, "cmeel.prefix/include/eigen3")
    if headers.is_dir():
        print(headers)
        break

#!/usr/bin/env python
"""Django's command line for Chromi."""

import os
import sys

from django.core.management import execute_from_command_line

from chrome_background_converter.memory import share_one_heap

if __name__ == "__main__":
    share_one_heap()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chrome_background_converter.settings")
    execute_from_command_line(sys.argv)

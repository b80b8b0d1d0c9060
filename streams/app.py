"""What `faust -A streams.app worker` loads: the application with the settings of the environment."""

import os
import sys

from schemas.errors import SettingsError
from streams.runtime.application import create_app
from streams.runtime.settings import load_settings
from streams.runtime.worker import complain

try:
    app = create_app(load_settings(os.environ))
except SettingsError as error:
    complain(error)
    sys.exit(2)

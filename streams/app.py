"""What `faust -A streams.app worker` loads: the application with the settings of the environment."""

import os

from streams.runtime.application import create_app
from streams.runtime.settings import load_settings

app = create_app(load_settings(os.environ))

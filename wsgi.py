"""For any WSGI server: `gunicorn wsgi:app`. `caller-service serve` runs the same app with our own
options."""

import os

from caller_service import create_app
from caller_service.config.settings import Settings

app = create_app(Settings.from_environment(os.environ))

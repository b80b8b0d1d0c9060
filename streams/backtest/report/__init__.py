"""report.html: one file without a link to anywhere, light and dark, readable on a phone."""

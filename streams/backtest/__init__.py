"""A company's own history through the live engine, and what the alerts would have been worth."""

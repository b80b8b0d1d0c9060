"""The contenders, one idea a file."""

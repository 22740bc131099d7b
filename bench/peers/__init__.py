"""The programs that the function is measured against. Each is a whole function of its own."""

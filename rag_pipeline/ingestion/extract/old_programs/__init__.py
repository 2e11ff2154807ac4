"""Documents of programs that are no more, which LibreOffice still opens."""

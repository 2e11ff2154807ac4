"""Text with marks: HTML, Markdown, RTF, XML, EPUB and what pandoc reads, subtitles."""

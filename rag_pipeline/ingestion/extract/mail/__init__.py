"""Mail: messages, mailboxes and Outlook's own format, with what is attached."""

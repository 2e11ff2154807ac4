"""Calendars and address books: what programs exchange line by line as iCalendar and vCard."""

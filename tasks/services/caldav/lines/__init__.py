"""iCalendar text: its lines, times, zones and rules, and edits that touch no other line."""

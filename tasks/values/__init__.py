"""Values as they are compared and kept: one canonical form, and the forms that plain Python has no type for.

*canonical form*  what two values have in common that count as equal, and the text in which they are kept.
*date range*      a date or a moment with its end and zone.
*opaque*          a value that is there and can be shown, but not written.
*file*            a file by its name and by what its bytes are known by.
*references*      which linked objects another one refers to.
*lossy*           what a side cannot show in full, told once for an attribute.
"""

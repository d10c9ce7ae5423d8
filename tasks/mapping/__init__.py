"""Which attribute goes to which, in which direction, through which converter, and who wins. Pure: nothing here reads or
writes anything, and no service is known.

*pair*        an attribute of the left side and one of the right.
*rule*        how attributes of two *kinds* meet, whichever end has which.
*converter*   brings the values of both ends of a pair into one *common form*, in which they are compared and kept.
*way*         from the values of one end to the common form, and back.
*direction*   whether a pair goes both ways, or only to one end.
*counterpart* what an object is linked with; references go across as the counterparts of what they refer to.
*bound*       a mapping whose converters were chosen, since both sides have said what they have.
"""

from tasks.mapping.binding import bind
from tasks.mapping.converter import AS_IT_IS, AsItIs, Converter
from tasks.mapping.counterparts import ByLinks, Counterparts, ids_of, with_doubtful
from tasks.mapping.mapping import Mapped, Mapping, Pair
from tasks.mapping.proposing import directed, met, propose
from tasks.mapping.reading import PAIR_KEYS, pairs_of, usual_pairs

__all__ = [
    "AS_IT_IS",
    "PAIR_KEYS",
    "AsItIs",
    "ByLinks",
    "Converter",
    "Counterparts",
    "Mapped",
    "Mapping",
    "Pair",
    "bind",
    "directed",
    "ids_of",
    "met",
    "pairs_of",
    "propose",
    "usual_pairs",
    "with_doubtful",
]

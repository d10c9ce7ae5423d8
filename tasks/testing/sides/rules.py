"""The rules that every side is held to, each with a name, what breaks where it does not hold, and in plain words."""

from __future__ import annotations

from enum import Enum

from tasks.testing.invariants import Invariant


class Rule(Enum):
    """What a side promises."""

    CALLS = ("calls", Invariant.CONTRACT, "No method raises what its description does not name.")

    # -- a run ----------------------------------------------------------------------------------------------
    OPEN_CLOSE = (
        "open and close",
        Invariant.CONTRACT,
        "A side can be closed whatever happened before, and opened again.",
    )
    DESCRIBE = (
        "description",
        Invariant.CONTRACT,
        "`describe` names the attributes, each with a kind and what fits it, the same at every instance.",
    )
    TITLE = ("title attribute", Invariant.CONTRACT, "One attribute of texts means `title`.")
    CHECK = (
        "check",
        Invariant.CONTRACT,
        "`check` takes the names that are described, and refuses others.",
        ("check",),
    )
    SCOPE = (
        "scope",
        Invariant.PARTIAL,
        "`scope` is a text, and the same at every instance of one place.",
        ("scope",),
    )
    REMEMBER = (
        "memory",
        Invariant.STATE_LOSS,
        "What is remembered is JSON, is taken over by another instance, and can be lost.",
        ("remembered",),
    )

    # -- reading --------------------------------------------------------------------------------------------
    LIST = ("complete listing", Invariant.PARTIAL, "A listing shows all objects, the same ones each time.")
    PAGES = (
        "pages",
        Invariant.PARTIAL,
        "`pages` shows the same objects as `list`, none twice, and gives a cursor where that does.",
        ("pages",),
    )
    IDS = ("ids", Invariant.STABLE_IDS, "An id is a text, an object's own, and stays.")
    KEYS = ("keys", Invariant.STATE_LOSS, "An object's key stays the same as long as its values do.")
    APART = ("keys tell apart", Invariant.STATE_LOSS, "Objects that are not the same thing have other keys.")
    TIMES = ("times", Invariant.CLOCKS, "When an object was edited has a zone, and does not go back.")
    CLOCK = (
        "clock",
        Invariant.CLOCKS,
        "An edit that is made later says so.",
    )
    VALUES = ("values", Invariant.CONTRACT, "`values` gives every attribute that is synced.")
    FORMS = ("forms of kinds", Invariant.CONTRACT, "Every value has the form of its attribute's kind.")
    FOR_PEOPLE = (
        "title and address",
        Invariant.CONTRACT,
        "What people call an object is a text in one line.",
    )
    GET = ("get", Invariant.DELTAS, "`get` gives an object as the listing does.", ("get",))
    GET_MISSING = ("get of nothing", Invariant.DELTAS, "`get` gives `None` for what is not there.", ("get",))
    NOT_GONE = (
        "there is not gone",
        Invariant.PARTIAL,
        "`is_gone` is false for what is listed.",
        ("is_gone",),
    )
    GONE = ("gone", Invariant.CONVERGENCE, "`is_gone` is true for what was deleted.")
    KNOWN = (
        "known",
        Invariant.NO_LOST_UPDATE,
        "`known` gives an object that is written to like one that was read.",
        ("known",),
    )
    EVENTS = ("events", Invariant.CONTRACT, "`concerns` says yes or no to any event.", ("concerns",))

    # -- writing --------------------------------------------------------------------------------------------
    CREATE = (
        "create",
        Invariant.CONTRACT,
        "`create` returns the object that it made, as the listing shows it.",
    )
    CREATE_LISTED = ("made is listed", Invariant.PARTIAL, "What was made is in the next complete listing.")
    CREATE_ALL = (
        "create takes all",
        Invariant.CONVERGENCE,
        "A new object lacks none of the values it was given.",
    )
    CREATE_AS_GIVEN = ("create as given", Invariant.FIXPOINT, "A new object shows the values it was given.")
    CREATE_FEW = (
        "create of few",
        Invariant.CONTRACT,
        "A new object may be given some of the attributes only.",
    )
    CREATE_ONCE = ("create once", Invariant.CRASH, "`create` with the same key again makes no other object.")
    MADE = (
        "made by its key",
        Invariant.CRASH,
        "`made` gives the id of what a create with a key made, and no object's for any other key.",
        ("made",),
    )
    UPDATE = ("update", Invariant.CONVERGENCE, "An update sets what it names.")
    UPDATE_ONLY = (
        "update of the rest",
        Invariant.NO_LOST_UPDATE,
        "An update changes nothing that it does not name.",
    )
    UPDATE_SEVERAL = (
        "update of several",
        Invariant.CONVERGENCE,
        "An update sets all attributes that it names.",
    )
    UPDATE_RETURNS = ("update returns", Invariant.PROOF_FIRST, "An update returns the object as it is now.")
    UPDATE_KEEPS = ("update keeps", Invariant.STABLE_IDS, "An updated object is listed under its id.")
    FIXPOINT = ("fixpoint", Invariant.FIXPOINT, "A value that is shown and written again is the same.")
    UNFIT = (
        "unfit values",
        Invariant.CONTRACT,
        "What does not fit is refused as such, by name, or becomes what fits.",
    )
    UNFIT_WHOLE = (
        "nothing of what is refused",
        Invariant.PROOF_FIRST,
        "A write that is refused writes nothing at all.",
    )
    FILES = (
        "files",
        Invariant.CONVERGENCE,
        "A file that is written with its bytes is shown by their digest, and gives the same bytes.",
    )
    FILES_ONCE = (
        "files once",
        Invariant.FIXPOINT,
        "The bytes of a file that an object shows are not asked for again.",
    )
    PRECONDITION = (
        "update of what changed",
        Invariant.NO_LOST_UPDATE,
        "An update of an object that changed since it was read is refused.",
    )
    DELETE_PRECONDITION = (
        "delete of what changed",
        Invariant.DELETE_OR_EDIT,
        "A deletion of an object that changed since it was read is refused.",
    )
    WRITE_TO_GONE = (
        "update of what is gone",
        Invariant.NO_RESURRECTION,
        "An update of an object that was deleted since it was read is refused, and makes none.",
    )
    DELETE = ("delete", Invariant.NO_RESURRECTION, "What was deleted is not listed any more.")
    DELETE_ONLY = ("delete of the rest", Invariant.PARTIAL, "A deletion leaves everything else.")
    RESTORE = (
        "restore",
        Invariant.STABLE_IDS,
        "What is restored is listed again under its id.",
        ("restore",),
    )
    RESTORE_ONLY = (
        "restore of the rest",
        Invariant.NO_RESURRECTION,
        "Restoring brings back what it says, and nothing else.",
        ("restore",),
    )
    RESTORE_VALUES = (
        "restore of values",
        Invariant.NO_LOST_UPDATE,
        "What is restored has the values that it had.",
        ("restore",),
    )

    # -- changes --------------------------------------------------------------------------------------------
    CHANGES = (
        "changes",
        Invariant.DELTAS,
        "`changes` gives `Changes` with a cursor that is JSON.",
        ("changes",),
    )
    CHANGES_ALL = (
        "no change missed",
        Invariant.DELTAS,
        "Changes name all that was made, edited or deleted since the cursor.",
        ("changes",),
    )
    CHANGES_TRUE = (
        "no change invented",
        Invariant.DELTAS,
        "What changes show is as the listing shows it; what they call deleted is not listed.",
        ("changes",),
    )
    CHANGES_NEXT = (
        "next changes",
        Invariant.DELTAS,
        "The cursor of changes leads on without a gap.",
        ("changes",),
    )
    CHANGES_WHILE = (
        "edits while listing",
        Invariant.DELTAS,
        "An edit made while the listing went on is in it, or in the changes since its cursor.",
        ("changes",),
    )
    CHANGES_EXPIRED = (
        "expired cursor",
        Invariant.DELTAS,
        "A cursor that is of no use raises CursorExpiredError.",
        ("changes",),
    )

    def __init__(self, title: str, invariant: Invariant, meaning: str, needs: tuple[str, ...] = ()) -> None:
        self.title = title
        self.invariant = invariant
        self.meaning = meaning
        #: Methods without which a side does not offer this.
        self.needs = needs

    def __str__(self) -> str:
        return self.title


class BrokenRuleError(Exception):
    """A rule does not hold."""

    def __init__(self, rule: Rule, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message

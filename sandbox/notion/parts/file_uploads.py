"""File uploads: made, sent, and then named by blocks, columns, icons and covers. What takes them is in `kept_files`."""

from __future__ import annotations

import mimetypes
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from sandbox.notion.parts.kept_files import EXTENSIONS, HOUR_MS, address_of
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, listing, window
from sandbox.notion.state.clock import minute_text, second_text
from sandbox.notion.state.ids import new_id, parse_id
from sandbox.notion.state.stored import WORKSPACE, Stored

_MODES = ("single_part", "multi_part", "external_url")
_API = "https://api.notion.com/v1/file_uploads"
#: The length of every file that was fetched from an address: it is not fetched in truth.
_FETCHED_LENGTH = 1024


def read_multipart(content_type: str, raw: bytes) -> dict[str, Any]:
    """The fields of a form as a body: texts, and of a file its name, type and bytes."""
    head = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode())
    boundary = f"--{head.get_boundary()}".encode()
    body: dict[str, Any] = {}
    for piece in raw.split(boundary)[1:-1]:
        lines, _, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        part = BytesParser(policy=HTTP).parsebytes(lines + b"\r\n\r\n")
        name, data = part.get_param("name", header="content-disposition"), data.removesuffix(b"\r\n")
        if part.get_filename() is None:
            body[str(name)] = data.decode("utf-8", "replace")
        else:
            kind = part.get_content_type()
            body[str(name)] = {"filename": part.get_filename(), "content_type": kind, "data": data}
    return body


def create(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """POST /file_uploads."""
    mode = body.get("mode", "single_part")
    if mode not in _MODES:
        raise errors.bad_body("mode", f"one of {', '.join(_MODES)}", mode)
    name, parts = body.get("filename"), body.get("number_of_parts")
    if name is not None and mode != "external_url":
        _check_name(errors.a_string(name, "filename"), body.get("content_type"))
    if mode == "multi_part" and (not isinstance(parts, int) or not 1 <= parts <= 1000):
        raise errors.bad_body("number_of_parts", "a number from 1 to 1000", parts)
    if mode == "multi_part" and name is None:
        raise errors.bad_body("filename", "defined")
    doc = {
        "mode": mode,
        "status": "pending",
        "filename": body.get("filename"),
        "content_type": body.get("content_type"),
        "content_length": None,
        "parts": body.get("number_of_parts"),
        "sent": 0,
    }
    upload = call.new(new_id(), "file_upload", WORKSPACE, doc)
    if mode == "external_url":
        doc |= _source(body)
    call.store.insert(upload)
    if mode == "external_url":
        call.later(upload, "file")
    return _show(call, upload)


def _check_name(name: str, kind: Any) -> None:
    if len(name.encode()) > 900:
        raise errors.too_long("filename", 900, len(name.encode()))
    ending = (
        name.rpartition(".")[2].lower() if "." in name else (mimetypes.guess_extension(str(kind)) or "")[1:]
    )
    if ending not in EXTENSIONS:
        raise errors.validation(
            f"body failed validation: body.filename has an extension that is not supported for the File Upload API: "
            f"{errors.shown(name)}."
        )


def _source(body: dict[str, Any]) -> dict[str, Any]:
    """Where to fetch a file from, and of which type it will be."""
    address = errors.a_string(body.get("external_url"), "external_url")
    if not address.startswith("https://"):
        raise errors.bad_body("external_url", "an https URL", address)
    name = errors.a_string(body.get("filename"), "filename")
    kind = body.get("content_type") or mimetypes.guess_type(name)[0]
    if kind is None:
        raise errors.bad_body("content_type", "defined, or filename should have a known extension")
    return {"external_url": address, "content_type": errors.a_string(kind, "content_type")}


def end_import(upload: Stored, now: int, reason: str | None) -> None:
    """The file of an address was fetched, or could not be for a reason; the caller saves the upload."""
    result: dict[str, Any] = {"imported_time": second_text(now)}
    if reason is None:
        upload.doc |= {"status": "uploaded", "content_length": _FETCHED_LENGTH}
        result |= {"type": "success", "success": {}}
    else:
        error = {"type": "download_error", "code": "download_error", "message": reason}
        upload.doc["status"] = "failed"
        result |= {"type": "error", "error": error | {"parameter": "external_url", "status_code": None}}
    upload.doc["import"] = result


def send(call: Call, raw_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """POST /file_uploads/{id}/send: the file, or one part of it."""
    upload = _find(call, raw_id)
    file = body.get("file")
    if not isinstance(file, dict):
        raise errors.bad_body("file", "defined")
    if upload.doc["status"] != "pending":
        raise errors.validation(
            f"File upload {upload.id} is {upload.doc['status']} and takes no more content."
        )
    doc = upload.doc
    if doc["mode"] == "external_url":
        raise errors.validation(
            f"File upload {upload.id} is fetched from its external_url and takes no content."
        )
    if call.now() >= upload.created + HOUR_MS:
        raise errors.validation(f"File upload {upload.id} is expired and takes no more content.")
    number = _part_number(doc, body.get("part_number"))
    data: bytes = file["data"]
    least, most = call.limits.piece_bytes
    if len(data) > most or (number not in (0, doc["parts"]) and len(data) < least):
        raise errors.validation(
            f"body.file has {len(data)} bytes; a part of a file is {least} to {most} bytes long, but for the last one."
        )
    call.store.put_piece(upload.id, number, data)
    doc["lengths"] = {**doc.get("lengths", {}), str(number): len(data)}
    doc["sent"], doc["content_length"] = len(doc["lengths"]), sum(doc["lengths"].values())
    if not 0 < doc["content_length"] <= call.limits.file_bytes:
        raise errors.validation(
            f"The file has {doc['content_length']} bytes; this workspace's plan takes files of 1 to "
            f"{call.limits.file_bytes}."
        )
    doc["filename"] = doc["filename"] or file["filename"]
    doc["content_type"] = doc["content_type"] or file["content_type"]
    if doc["mode"] == "single_part":
        doc["status"] = "uploaded"
    call.store.save(upload)
    return _show(call, upload)


def _part_number(doc: dict[str, Any], said: Any) -> int:
    """Which part of a file is sent; 0 for all of it."""
    if doc["mode"] == "single_part":
        return 0
    number = int(said) if isinstance(said, str) and said.isdecimal() else 0
    if not 1 <= number <= doc["parts"]:
        raise errors.bad_body("part_number", f"a number from 1 to {doc['parts']}", said)
    return number


def complete(call: Call, raw_id: str) -> dict[str, Any]:
    """POST /file_uploads/{id}/complete: all parts are sent."""
    upload = _find(call, raw_id)
    if upload.doc["mode"] != "multi_part" or upload.doc["sent"] != upload.doc["parts"]:
        raise errors.validation(f"File upload {upload.id} is not ready to be completed.")
    upload.doc["status"] = "uploaded"
    call.store.save(upload)
    return _show(call, upload)


def retrieve(call: Call, raw_id: str) -> dict[str, Any]:
    """GET /file_uploads/{id}."""
    return _show(call, _find(call, raw_id))


def list_uploads(call: Call, query: dict[str, str]) -> dict[str, Any]:
    """GET /file_uploads: newest first."""
    found = [u for u in call.store.of_kind("file_upload") if query.get("status") in (None, _status(call, u))]
    found.reverse()
    start, size = window([upload.id for upload in found], query, call.limits.page_size)
    following = found[start + size].id if start + size < len(found) else None
    return listing("file_upload", [_show(call, upload) for upload in found[start : start + size]], following)


def as_file(call: Call, content: Any, path: str) -> tuple[dict[str, Any], str]:
    """The file that a finished upload became, and its name."""
    upload = call.find_in_body(
        "file_upload", f"{path}.id", content.get("id") if isinstance(content, dict) else None
    )
    status = _status(call, upload)
    if status != "uploaded":
        raise errors.validation(f"File upload {upload.id} is {status}, not uploaded.")
    upload.doc["attached"] = True
    call.store.save(upload)
    name = str(upload.doc["filename"])
    # Each place has an address of its own, as if the file had been copied there.
    place = new_id()
    data = call.store.read_file(upload.id)
    if data is not None:
        call.store.put_piece(place, 0, data)
    return {"url": address_of(place, name), "expiry_time": minute_text(call.now() + HOUR_MS)}, name


def keep(call: Call, name: str, data: bytes) -> dict[str, Any]:
    """A file that a person put somewhere in the app, as it is kept there."""
    place = new_id()
    call.store.put_piece(place, 0, data)
    return {"name": name, "type": "file", "file": {"url": address_of(place, name)}}


def _status(call: Call, upload: Stored) -> str:
    """How an upload stands: one that nobody used for an hour is expired."""
    status = str(upload.doc["status"])
    unused = not upload.doc.get("attached") and status in ("pending", "uploaded")
    return "expired" if unused and call.now() >= upload.created + HOUR_MS else status


def _find(call: Call, raw_id: str) -> Stored:
    upload_id = parse_id(raw_id)
    if upload_id is None:
        raise errors.validation(
            "path failed validation: path.file_upload_id should be a valid uuid, instead was "
            f"{errors.shown(raw_id)}."
        )
    return call.find("file_upload", upload_id)


def _show(call: Call, upload: Stored) -> dict[str, Any]:
    doc = upload.doc
    author = call.store.get(upload.created_by)
    status = _status(call, upload)
    shown = {
        "object": "file_upload",
        "id": upload.id,
        "created_time": minute_text(upload.created),
        "created_by": {"id": upload.created_by, "type": author.doc.get("type") if author else "bot"},
        "last_edited_time": minute_text(upload.edited),
        "expiry_time": None if doc.get("attached") else minute_text(upload.created + HOUR_MS),
        "status": status,
        "filename": doc["filename"],
        "content_type": doc["content_type"],
        "content_length": doc["content_length"],
        **call.trash_flags(False),
    }
    if status == "pending":
        shown["upload_url"] = f"{_API}/{upload.id}/send"
    if "import" in doc:
        shown["file_import_result"] = doc["import"]
    if doc["mode"] == "multi_part":
        shown["number_of_parts"] = {"total": doc["parts"], "sent": doc["sent"]}
        if status == "pending":
            shown["complete_url"] = f"{_API}/{upload.id}/complete"
    return shown

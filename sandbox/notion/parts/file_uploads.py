"""File uploads: made, sent, and then named by blocks, columns, icons and covers. The bytes are not kept."""

from __future__ import annotations

import mimetypes
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, listing, window
from sandbox.notion.state.clock import minute_text, second_text
from sandbox.notion.state.ids import new_id, parse_id
from sandbox.notion.state.store import WORKSPACE, Stored

_HOUR_MS = 3_600_000
_MODES = ("single_part", "multi_part", "external_url")
_API = "https://api.notion.com/v1/file_uploads"
#: The length of every file that was fetched from an address: it is not fetched in truth.
_FETCHED_LENGTH = 1024
_FILES = "https://prod-files-secure.s3.us-west-2.amazonaws.com/sandbox"


def read_multipart(content_type: str, raw: bytes) -> dict[str, Any]:
    """The fields of a form as a body: texts, and of a file its name, type and length."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    body: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + raw).iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
        if part.get_filename() is None:
            body[str(name)] = content.decode("utf-8", "replace")
        else:
            kind = part.get_content_type()
            body[str(name)] = {"filename": part.get_filename(), "content_type": kind, "length": len(content)}
    return body


def create(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """POST /file_uploads."""
    mode = body.get("mode", "single_part")
    if mode not in _MODES:
        raise errors.bad_body("mode", f"one of {', '.join(_MODES)}", mode)
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
    doc["sent"] += 1
    doc["content_length"] = (doc["content_length"] or 0) + file["length"]
    doc["filename"] = doc["filename"] or file["filename"]
    doc["content_type"] = doc["content_type"] or file["content_type"]
    if doc["mode"] == "single_part":
        doc["status"] = "uploaded"
    call.store.save(upload)
    return _show(call, upload)


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
    found = [u for u in call.store.of_kind("file_upload") if query.get("status") in (None, u.doc["status"])]
    found.reverse()
    start, size = window([upload.id for upload in found], query, call.limits.page_size)
    following = found[start + size].id if start + size < len(found) else None
    return listing("file_upload", [_show(call, upload) for upload in found[start : start + size]], following)


def as_file(call: Call, content: Any, path: str) -> tuple[dict[str, Any], str]:
    """The file that a finished upload became, and its name."""
    upload = call.find_in_body(
        "file_upload", f"{path}.id", content.get("id") if isinstance(content, dict) else None
    )
    if upload.doc["status"] != "uploaded":
        raise errors.validation(f"File upload {upload.id} is {upload.doc['status']}, not uploaded.")
    name = str(upload.doc["filename"])
    expiry = minute_text(call.now() + _HOUR_MS)
    return {"url": f"{_FILES}/{upload.id}/{name}", "expiry_time": expiry}, name


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
    shown = {
        "object": "file_upload",
        "id": upload.id,
        "created_time": minute_text(upload.created),
        "created_by": {"id": upload.created_by, "type": author.doc.get("type") if author else "bot"},
        "last_edited_time": minute_text(upload.edited),
        "expiry_time": minute_text(upload.created + _HOUR_MS),
        "status": doc["status"],
        "filename": doc["filename"],
        "content_type": doc["content_type"],
        "content_length": doc["content_length"],
        **call.trash_flags(False),
    }
    if doc["status"] == "pending":
        shown["upload_url"] = f"{_API}/{upload.id}/send"
    if "import" in doc:
        shown["file_import_result"] = doc["import"]
    if doc["mode"] == "multi_part":
        shown["number_of_parts"] = {"total": doc["parts"], "sent": doc["sent"]}
        if doc["status"] == "pending":
            shown["complete_url"] = f"{_API}/{upload.id}/complete"
    return shown

"""One order's whole way through a gateway, and a refused one, by a client made from proto/ with grpcio-tools.

    target/python/bin/python tests/python/journey.py ADDRESS ORDERS WAYBILLS

ORDERS and WAYBILLS are files of JSON lines, as `tongguan submit` takes them; the first line of each is used. An API key is taken
from TONGGUAN_KEY. Prints one JSON object; the status is 0 only if the order was closed and the faulty one refused.
"""

import copy
import json
import os
import sys

import grpc
from google.protobuf import json_format
from grpc_status import rpc_status

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../target/python/client"))

from tongguan.v1 import (  # noqa: E402
    declarations_pb2,
    declarations_pb2_grpc,
    document_pb2,
    finding_pb2,
    logistics_pb2,
    logistics_pb2_grpc,
)

# Seconds that one call may take, and that the whole journey may take.
CALL, JOURNEY = 30, 120


def first_line(path):
    with open(path, encoding="utf-8") as lines:
        return json.loads(next(lines))


def request_of(line):
    """A line of a file as the request that Submit takes: its fields have the names of proto/."""
    fields = dict(line)
    key = fields.pop("idempotency_key", "")
    return json_format.ParseDict({"idempotency_key": key, "declaration": fields}, declarations_pb2.SubmitRequest())


def findings_of(error):
    """The findings in the details of a status; trailers hold the first of them, and how many there are."""
    for detail in rpc_status.from_call(error).details:
        if detail.Is(finding_pb2.Findings.DESCRIPTOR):
            findings = finding_pb2.Findings()
            detail.Unpack(findings)
            return findings
    raise AssertionError("the status carries no findings")


def follow(declarations, declaration_id, metadata):
    """The states of the export list as they come, until it is closed."""
    seen = []
    request = declarations_pb2.WatchRequest(after_position=-1, declaration_ids=[declaration_id])
    for event in declarations.Watch(request, metadata=metadata, timeout=JOURNEY):
        for change in event.changes:
            if change.kind == document_pb2.DOCUMENT_KIND_INVENTORY:
                seen.append(document_pb2.DocumentState.Name(change.to))
                if change.to == document_pb2.DOCUMENT_STATE_CLOSED:
                    return seen
    raise AssertionError(f"the stream ended after {seen}")


def refusal(declarations, line, metadata):
    """Spoils an order in two places and reads what the gateway says of it."""
    faulty = copy.deepcopy(line)
    faulty["idempotency_key"] += "-faulty"
    faulty["order"]["order_no"] += "F"
    faulty["order"]["freight"] = "-1"
    faulty["inventory"]["lines"][0]["hs_code"] = "12"
    try:
        declarations.Submit(request_of(faulty), metadata=metadata, timeout=CALL)
    except grpc.RpcError as error:
        return error.code().name, findings_of(error)
    raise AssertionError("a faulty order was accepted")


def main(address, orders, waybills):
    key = os.environ.get("TONGGUAN_KEY")
    metadata = [("authorization", f"Bearer {key}")] if key else []
    line = first_line(orders)
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=CALL)
        declarations = declarations_pb2_grpc.DeclarationsStub(channel)
        logistics = logistics_pb2_grpc.LogisticsStub(channel)

        kept = declarations.Submit(request_of(line), metadata=metadata, timeout=CALL)
        again = declarations.Submit(request_of(line), metadata=metadata, timeout=CALL)

        waybill = json_format.ParseDict(first_line(waybills), logistics_pb2.Waybill())
        pushed = logistics_pb2.PushWaybillsRequest(item_id="1", waybill=waybill)
        answers = list(logistics.PushWaybills(iter([pushed]), metadata=metadata, timeout=CALL))

        states = follow(declarations, kept.declaration_id, metadata)
        got = declarations.Get(declarations_pb2.GetRequest(declaration_id=kept.declaration_id), metadata=metadata, timeout=CALL)
        code, findings = refusal(declarations, line, metadata)

    told = {
        "declaration_id": kept.declaration_id,
        "same_again": again.declaration_id == kept.declaration_id,
        "waybill": answers[0].WhichOneof("result"),
        "match": logistics_pb2.WaybillMatch.Name(answers[0].kept.match),
        "states": states,
        "inventory_no": got.inventory_no,
        "documents": {
            document_pb2.DocumentKind.Name(document.kind): document_pb2.DocumentState.Name(document.state) for document in got.documents
        },
        "last_words": [document.last_word.explanation.en for document in got.documents],
        "refused": code,
        "findings": {finding.path: [finding.rule, finding.zh, finding.remedy_en] for finding in findings.findings},
        "count": findings.count,
    }
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])

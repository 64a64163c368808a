"""Makes the calls that the README shows as lines of grpcurl, by nothing but the server's reflection, as grpcurl makes them.

    target/python/bin/python tests/python/lines.py README ADDRESS WAYBILLS

submit.json is the one that the README shows, for today; ID is the declaration that it becomes. Of WAYBILLS, JSON lines
as `tongguan submit --waybills` takes them, the first is pushed. Prints one JSON object: what each line was answered.
"""

import datetime
import json
import re
import shlex
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha import reflection_pb2

CALL = 30
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


class Server:
    """What can be known of a server by asking it."""

    def __init__(self, channel):
        self.channel, self.pool, self.known = channel, descriptor_pool.DescriptorPool(), set()
        self.ask = channel.stream_stream(
            REFLECTION,
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )

    def answer(self, **asked):
        (answer,) = self.ask(iter([reflection_pb2.ServerReflectionRequest(**asked)]), timeout=CALL)
        if answer.HasField("error_response"):
            raise AssertionError(f"{asked}: {answer.error_response.error_message}")
        return answer

    def services(self):
        return [service.name for service in self.answer(list_services="").list_services_response.service]

    def learn(self, **asked):
        for raw in self.answer(**asked).file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(raw)
            if file.name in self.known:
                continue
            self.known.add(file.name)
            for needed in file.dependency:
                if needed not in self.known:
                    self.learn(file_by_filename=needed)
            self.pool.Add(file)

    def method(self, name):
        service, _, method = name.replace("/", ".").rpartition(".")
        self.learn(file_containing_symbol=service)
        return self.pool.FindServiceByName(service).methods_by_name[method]

    def call(self, name, requests, metadata):
        """The first answer to a call."""
        method = self.method(name)
        take, give = (message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type))
        kind = ("stream" if method.client_streaming else "unary", "stream" if method.server_streaming else "unary")
        made = getattr(self.channel, "_".join(kind))(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=take.SerializeToString,
            response_deserializer=give.FromString,
        )
        messages = [json_format.Parse(text, take()) for text in requests]
        answer = made(iter(messages) if method.client_streaming else messages[0], metadata=metadata, timeout=CALL)
        first = next(answer) if method.server_streaming else answer
        if method.server_streaming:
            answer.cancel()
        return json_format.MessageToDict(first, preserving_proto_field_name=True)


def lines_of(readme):
    return [line for line in readme.splitlines() if line.startswith("grpcurl ")]


def files_of(readme, waybills):
    today = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)).strftime("%Y-%m-%d")
    submit = next(block for block in re.findall(r"```json\n(.*?)```", readme, re.S) if '"idempotency_key": "erp-' in block)
    with open(waybills, encoding="utf-8") as lines:
        waybill = {key: value for key, value in json.loads(next(lines)).items() if key != "idempotency_key"}
    return {
        "submit.json": submit.replace("YYYY-MM-DD", today),
        "waybill.json": json.dumps({"item_id": "1", "waybill": waybill}),
    }


def run(server, line, files, declaration):
    words = shlex.split(line)[1:]
    data, metadata, rest = "{}", [], []
    while words:
        word = words.pop(0)
        if word == "-d":
            data = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            metadata.append((name, value))
        elif word == "<":
            data = files[words.pop(0)]
        elif word != "-plaintext":
            rest.append(word)
    _address, what, *symbol = rest
    if what == "list":
        return server.services()
    if what == "describe":
        return server.method(symbol[0]).input_type.full_name
    return server.call(what, [data.replace('"ID"', json.dumps(declaration))], metadata)


def main(readme, address, waybills):
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    files, declaration, told = files_of(text, waybills), "", {}
    with grpc.insecure_channel(address) as channel:
        server = Server(channel)
        for line in lines_of(text):
            try:
                answer = run(server, line, files, declaration)
            except grpc.RpcError as error:
                raise SystemExit(f"{line}\n{error.code()} {error.details()}\n{error.trailing_metadata()}") from error
            if isinstance(answer, dict):
                declaration = answer.get("declaration_id", declaration)
            told[line] = answer
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])

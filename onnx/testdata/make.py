#!/usr/bin/env python3
"""Makes golden.zip: small ONNX models, and what the onnx package reads in them (index.json). Same bytes on every run.

    make.py        (onnx 1.23.2, numpy 2.4.6, Python 3.11)
"""
import json
import os
import zipfile

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
RNG = np.random.default_rng(7)
FILES = {}
ENTRIES = {T.FLOAT: ("float_data", 4), T.COMPLEX64: ("float_data", 4), T.DOUBLE: ("double_data", 8), T.COMPLEX128: ("double_data", 8),
           T.INT64: ("int64_data", 8), T.UINT64: ("uint64_data", 8), T.UINT32: ("uint64_data", 4), T.INT32: ("int32_data", 4)}


def bits_of(t):
    return {T.COMPLEX128: 128, T.COMPLEX64: 64, T.DOUBLE: 64, T.INT64: 64, T.UINT64: 64, T.FLOAT: 32, T.INT32: 32, T.UINT32: 32, T.FLOAT16: 16, T.BFLOAT16: 16,
            T.INT16: 16, T.UINT16: 16, T.INT4: 4, T.UINT4: 4, T.FLOAT4E2M1: 4, T.INT2: 2, T.UINT2: 2, T.FLOAT6E2M3: 6, T.FLOAT6E3M2: 6}.get(t, 8)


def raw_bytes(t, n):
    """Random codes; for one-byte types all 256 occur."""
    size = (n * bits_of(t) + 7) // 8
    b = bytearray(RNG.integers(0, 256, size, dtype=np.uint8).tobytes())
    if n == 256:
        b[:] = bytes(range(256))
    if t == T.BOOL:
        b = bytearray(x & 1 for x in b)
    spare = size * 8 - n * bits_of(t)
    if spare:
        b[-1] &= 0xFF >> spare
    return bytes(b)


def typed(name, t, dims, raw):
    """The tensor of these codes in its typed field."""
    x = T(name=name, data_type=t, dims=dims)
    n = int(np.prod(dims))
    if t in (T.FLOAT6E2M3, T.FLOAT6E3M2):
        v = int.from_bytes(raw, "little")
        x.int32_data.extend((v >> (6 * i)) & 63 for i in range(n))
        return x
    field, width = ENTRIES.get(t, ("int32_data", max(1, bits_of(t) // 8)))
    dt = {"float_data": "<f4", "double_data": "<f8", "int64_data": "<i8"}.get(field)
    if dt is None:
        dt = "<i%d" % width if t in (T.INT8, T.INT16, T.INT32) else "<u%d" % width
    getattr(x, field).extend(np.frombuffer(raw, dt).tolist())
    return x


def in_raw(name, t, dims, raw):
    return T(name=name, data_type=t, dims=dims, raw_data=raw)


def varint(v):
    out = b""
    while v > 127:
        out, v = out + bytes([v & 127 | 128]), v >> 7
    return out + bytes([v])


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def types_model():
    inits, blob = [], b""
    for t in sorted(v for k, v in T.DataType.items() if v not in (T.UNDEFINED, T.STRING)):
        name = T.DataType.Name(t)
        wide = bits_of(t) == 8 and t != T.BOOL
        dims = [16, 16] if wide else [3, 7]
        raw = raw_bytes(t, int(np.prod(dims)))
        inits += [in_raw("raw." + name, t, dims, raw), typed("typed." + name, t, dims, raw)]
        raw = raw_bytes(t, 5)
        blob += bytes(-len(blob) % 64)
        x = T(name="file." + name, data_type=t, dims=[5], data_location=T.EXTERNAL)
        for k, v in (("location", "sub/types.data"), ("offset", len(blob)), ("length", len(raw))):
            if k != "length" or t != T.FLOAT6E3M2:  # the last one: without a length onnx reads to the end
                x.external_data.add(key=k, value=str(v))
        inits.append(x)
        blob += raw
    inits.append(T(name="strings", data_type=T.STRING, dims=[2, 2], string_data=[b"a", "h\u00e9".encode(), b"", b"longer text"]))
    inits.append(T(name="scalar", data_type=T.FLOAT, raw_data=np.float32(1.5).tobytes()))
    inits.append(T(name="empty", data_type=T.FLOAT, dims=[0, 4]))
    graph = helper.make_graph([helper.make_node("Identity", ["scalar"], ["y"])], "types", [], [helper.make_tensor_value_info("y", T.FLOAT, [])], inits)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=12)
    b = model.SerializeToString()
    # Typed fields as other writers have them: not packed, in several runs, with longer varints than needed.
    odd = field(8, b"unpacked.INT64") + b"\x08\x03\x10\x07" + b"".join(b"\x38" + varint(v) for v in (5, 300, (1 << 64) - 2))
    odd2 = b"\x08\x04\x10\x01" + field(4, np.float32([1, 2]).tobytes()) + field(8, b"runs.FLOAT") + b"\x25" + np.float32([3]).tobytes() + field(4, np.float32([4]).tobytes())
    odd3 = field(8, b"long.INT8") + field(1, b"\x83\x00") + b"\x10\x03" + field(5, b"\x81\x80\x00" + varint((1 << 64) - 3) + varint((1 << 32) - 1))
    return b + field(7, b"".join(field(5, o) for o in (odd, odd2, odd3))), {"sub/types.data": blob}


def merged(b):
    """One graph field: the reader refuses the merge of two that protobuf allows, so the parts are put together here."""
    out, graph, at = b"", b"", 0
    while at < len(b):
        start = at
        tag, at = read_varint(b, at)
        if tag & 7 == 0:
            _, at = read_varint(b, at)
        else:
            n, at = read_varint(b, at)
            at += n
            if tag >> 3 == 7:
                graph += b[at - n:at]
                continue
        out += b[start:at]
    return out + field(7, graph)


def read_varint(b, at):
    v = shift = 0
    while True:
        v |= (b[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if b[at - 1] < 128:
            return v, at


def f32(name, *v):
    return numpy_helper.from_array(np.array(v, np.float32), name)


def control_model():
    info, node = helper.make_tensor_value_info, helper.make_node
    then = helper.make_graph([node("MatMul", ["x", "w"], ["t0"]), node("Add", ["t0", "then_b"], ["t1"])], "then", [], [info("t1", T.FLOAT, None)], [f32("then_b", 1, 2)])
    inner = helper.make_graph([node("Mul", ["l_in", "w2"], ["m"])], "inner", [], [info("m", T.FLOAT, None)])
    other = helper.make_graph([node("MatMul", ["x", "w"], ["l_in"]), node("If", ["cond"], ["e1"], then_branch=inner, else_branch=inner)], "else", [], [info("e1", T.FLOAT, None)])
    body = helper.make_graph([node("Identity", ["c_in"], ["c_out"]), node("Add", ["v_in", "w2"], ["v_out"])], "body",
                             [info("i", T.INT64, []), info("c_in", T.BOOL, []), info("v_in", T.FLOAT, None)], [info("c_out", T.BOOL, []), info("v_out", T.FLOAT, None)])
    scan = helper.make_graph([node("Add", ["s_in", "row"], ["s_out"]), node("Identity", ["s_out"], ["o"])], "scan",
                             [info("s_in", T.FLOAT, [2]), info("row", T.FLOAT, [2])], [info("s_out", T.FLOAT, [2]), info("o", T.FLOAT, [2])])
    every = node("Every", ["y"], ["z", ""], name="every", domain="test.domain", f=1.5, i=-3, s="text", floats=[0.5, -0.0], ints=[1, -1, 1 << 62], strings=["a", "b"],
                 t=f32("attr", 9), tensors=[f32("", 1), f32("", 2, 3)], graphs=[then, then])
    every.attribute.add(name="tp", type=onnx.AttributeProto.TYPE_PROTO).tp.CopyFrom(helper.make_sequence_type_proto(helper.make_tensor_type_proto(T.FLOAT16, ["n", 3])))
    every.attribute.add(name="sp", type=onnx.AttributeProto.SPARSE_TENSOR).sparse_tensor.CopyFrom(helper.make_sparse_tensor(f32("", 5), numpy_helper.from_array(np.array([1])), [4]))
    every.attribute.add(name="zero", type=onnx.AttributeProto.INT)
    every.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="model.layers.0.mlp.down_proj")
    every.device_configurations.add(configuration_id="cfg", pipeline_stage=1).sharding_spec.add(tensor_name="y", device=[0, 1]).sharded_dim.add(axis=-1).simple_sharding.add(dim_value=2, num_shards=2)
    nodes = [node("If", ["cond"], ["a"], name="branch", then_branch=then, else_branch=other), node("Loop", ["n", "cond", "a"], ["b"], body=body),
             node("Scan", ["s0", "b2"], ["sN", "rows"], body=scan, num_scan_inputs=1), node("Clip", ["b", "", "one"], ["c"]),
             node("Gather", ["w", "idx"], ["emb"]), node("Transpose", ["w"], ["wt"]), node("Scale", ["c"], ["y"], domain="local", alpha=2.0), every,
             node("Constant", [], ["k"], value=numpy_helper.from_array(np.array([1, 2], np.float16), "const"))]
    w2 = f32("w2", 1, 2)
    sparse = helper.make_sparse_tensor(f32("sp", 1, 2), numpy_helper.from_array(np.array([0, 3])), [6])
    g = helper.make_graph(nodes, "main", [info("x", T.FLOAT, ["batch", 2]), info("cond", T.BOOL, []), info("n", T.INT64, None), info("idx", T.INT64, ["s"]), info("w2", T.FLOAT, [2])],
                          [info("z", T.FLOAT, ["batch", 2]), info("rows", T.FLOAT, None)],
                          [numpy_helper.from_array(np.eye(2, dtype=np.float32), "w"), w2, f32("one", 1), f32("s0", 0, 0), numpy_helper.from_array(np.ones((3, 2), np.float32), "b2")],
                          value_info=[info("a", T.FLOAT, ["batch", 2])], sparse_initializer=[sparse])
    g.quantization_annotation.add(tensor_name="w").quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="one")
    g.metadata_props.add(key="g", value="1")
    fn = helper.make_function("local", "Scale", ["v"], ["r"], [helper.make_node("Constant", [], ["al"]), helper.make_node("Mul", ["v", "al"], ["r0"]), helper.make_node("Add", ["r0", "fw"], ["r"]),
                              helper.make_node("Constant", [], ["unused"], value=f32("in_function", 3))], [helper.make_opsetid("", 18)], ["alpha"])
    fn.node[0].attribute.add(name="value_float", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT)
    fn.node[2].input[1] = "al"
    fn.attribute_proto.add(name="beta", type=onnx.AttributeProto.FLOAT, f=0.25)
    m = helper.make_model(g, functions=[fn], opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("local", 1), helper.make_opsetid("test.domain", 1)],
                          ir_version=11, producer_name="make.py", producer_version="1", doc_string="every kind of part")
    helper.set_model_props(m, {"author": "nobody", "empty": ""})
    tr = m.training_info.add()
    tr.algorithm.name = "step"
    tr.algorithm.node.add(op_type="Identity", input=["w2"], output=["w2_new"])
    tr.algorithm.initializer.add(name="lr", data_type=T.FLOAT, float_data=[0.1])
    tr.update_binding.add(key="w2", value="w2_new")
    m.configuration.add(name="cfg", num_devices=2, device=["a", "b"])
    b = m.SerializeToString()
    return b + field(4000, b"unknown") + b"\xc8\x3e\x05" + b"\xcb\x3e\x08\x01\xcc\x3e", {}  # unknown fields: bytes, a varint, a group


# ---- what is in the models

def fields(b, start, end, desc, path, out, depth=0):
    """Every field by the descriptors of the onnx package, in the file's order: [path, tag, value, content, end]."""
    seen, at = {}, start
    while at < end:
        tag_at = at
        tag, at = read_varint(b, at)
        number, wire, value = tag >> 3, tag & 7, at
        if wire == 0:
            _, at = read_varint(b, at)
            content = value
        elif wire in (1, 5):
            content, at = value, at + (8 if wire == 1 else 4)
        elif wire == 2:
            n, content = read_varint(b, at)
            at = content + n
        else:
            content, depth_g = value, 1
            while depth_g:
                t, at = read_varint(b, at)
                if t & 7 == 0:
                    _, at = read_varint(b, at)
                depth_g += {3: 1, 4: -1}.get(t & 7, 0)
        d = desc.fields_by_number.get(number)
        if d is None:
            out.append([(path + "." if path else "") + "?", tag_at, value, content, at])
            continue
        i = seen[number] = seen.get(number, -1) + 1
        many = d.is_repeated if hasattr(d, "is_repeated") else d.label == d.LABEL_REPEATED
        name = (path + "." if path else "") + d.name + ("[%d]" % i if many else "")
        out.append([name, tag_at, value, content, at])
        if d.message_type is not None:
            fields(b, content, at, d.message_type, name, out)


def numbers(a):
    if a.dtype.kind in "US" or a.dtype == object:
        return {"strings": [str(x) for x in a.ravel()]}
    if a.dtype.kind == "c":
        return {"complex": [[h(x.real), h(x.imag)] for x in a.ravel().astype(np.complex128)]}
    if a.dtype.kind in "iub" or a.dtype.name in ("int4", "uint4", "int2", "uint2"):
        return {"ints": [str(int(x)) for x in a.ravel()]}
    return {"floats": [h(x) for x in a.ravel().astype(np.float64)]}


def h(x):
    """A float64 as its bits; every NaN is one."""
    return "nan" if x != x else "%016x" % int(np.float64(x).view(np.uint64))


def attribute(a):
    if a.ref_attr_name or a.type in (a.TENSOR, a.TENSORS, a.GRAPH, a.GRAPHS, a.SPARSE_TENSOR, a.SPARSE_TENSORS, a.TYPE_PROTO, a.TYPE_PROTOS):
        return None
    v = helper.get_attribute_value(a)
    text = lambda x: x.decode() if isinstance(x, bytes) else h(x) if isinstance(x, float) else str(x)  # noqa: E731
    return [text(x) for x in v] if isinstance(v, (list, tuple)) or hasattr(v, "append") else [text(v)]


def describe(b, folder):
    m = onnx.ModelProto.FromString(b)
    out = {"tensors": [], "nodes": [], "graphs": [], "fields": [], "opsets": [[o.domain, o.version] for o in m.opset_import],
           "metadata": [[p.key, p.value] for p in m.metadata_props], "functions": [f.name for f in m.functions]}
    fields(b, 0, len(b), onnx.ModelProto.DESCRIPTOR, "", out["fields"])

    def tensor(t, path):
        out["tensors"].append({"path": path, "name": t.name, "type": T.DataType.Name(t.data_type), "dims": list(t.dims), "values": numbers(numpy_helper.to_array(t, folder))})

    def message(x, path):
        if isinstance(x, T):
            tensor(x, path)
            return
        if isinstance(x, onnx.NodeProto):
            out["nodes"].append({"path": path, "op": x.op_type, "domain": x.domain, "name": x.name, "inputs": list(x.input), "outputs": list(x.output),
                                 "attrs": [[a.name, a.type, attribute(a)] for a in x.attribute]})
        if isinstance(x, onnx.GraphProto):
            out["graphs"].append({"path": path, "name": x.name, "inputs": [v.name for v in x.input], "outputs": [v.name for v in x.output]})
        for d, v in x.ListFields():
            if d.message_type is None:
                continue
            many = not hasattr(v, "ListFields")
            for i, y in enumerate(v if many else [v]):
                message(y, (path + "." if path else "") + d.name + ("[%d]" % i if many else ""))

    message(m, "")
    return out


def main():
    index = {"versions": {"onnx": onnx.__version__, "numpy": np.__version__}, "models": {}}
    import tempfile
    for name, (b, extra) in {"types.onnx": types_model(), "control.onnx": control_model()}.items():
        b = merged(b) if name == "types.onnx" else b
        with tempfile.TemporaryDirectory() as d:
            for f, data in extra.items():
                os.makedirs(os.path.dirname(os.path.join(d, f)), exist_ok=True)
                with open(os.path.join(d, f), "wb") as w:
                    w.write(data)
            index["models"][name] = describe(b, d)
        FILES.update({name: b}, **extra)
    FILES["index.json"] = json.dumps(index, separators=(",", ":")).encode()
    with zipfile.ZipFile(os.path.join(HERE, "golden.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for name, data in FILES.items():
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
    print({k: len(v) for k, v in FILES.items()}, os.path.getsize(os.path.join(HERE, "golden.zip")))


if __name__ == "__main__":
    main()

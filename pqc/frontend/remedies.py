"""How to change a model whose operator is refused: by operator, for what people's models really hold."""

from __future__ import annotations

from collections.abc import Mapping

INFERENCE = "export the model for inference: call model.eval() first, and export with training=TrainingMode.EVAL"

AGAIN = "the file is damaged or was edited: export it again"

SECOND = "export the model for inference, without what reads it"

NO_OUTPUT = "leave the output out of the exported model"

FLAT_OUTPUT = "end the exported model with 2 to 9 dimensions, the frames first: a reshape costs nothing on the host"

REAL_OUTPUT = "end the exported model with DequantizeLinear"

OTHER_OPSET = "export it again (torch.onnx.export with opset_version=17), or convert it with onnx.version_converter"

FIXED_SIZES = (
    "export the model with fixed sizes, with no dynamic axis but the first (torch.onnx.export without other "
    "dynamic_axes), or fix them with onnxruntime.tools.make_dynamic_shape_fixed"
)

_UNORDERED = "leave it out of the exported model, it does not change the order of the classes"

_QUANTIZED = "export the float model, which pqc quantizes itself, or quantize it in QDQ form, whose grids it keeps"

_NORMALIZATION = "train with BatchNormalization instead, which is folded into the convolution in front of it"

_RECURRENT = (
    "use convolutions over the time axis instead, [frames, channels, 1, time]: there is no state between frames"
)

_ATTENTION = "use a convolutional network: matrix products of two activations, as in attention, have no unit"

_CONTROL = "export a graph without control flow: trace the model, or let onnxsim evaluate what is constant"

_HOST = "end the exported model in front of it, and do it on the host"

_RESIZING = "resize with mode='nearest', as nn.Upsample does by default: it copies elements and computes none"

_FUSED = "export the model without the optimizations of onnxruntime: its fused operators are not standard ONNX"

_RANDOM = "export the model for inference: it must compute the same each time"

_LARGEST = "use Clip for bounds that are constant"

_TWO = "bring both to shapes of one length with the frames in front; a constant is the same for all frames"

_MEAN = "take the mean over height and width, and fold the factor into the weights behind it"

UNSUPPORTED: Mapping[str, str] = {
    "LogSoftmax": _UNORDERED,
    **dict.fromkeys(("DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"), _QUANTIZED),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul"), _QUANTIZED),
    **dict.fromkeys(("RMSNormalization", "LpNormalization", "LRN", "MeanVarianceNormalization"), _NORMALIZATION),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _RECURRENT),
    **dict.fromkeys(("Attention", "Einsum", "RotaryEmbedding"), _ATTENTION),
    **dict.fromkeys(("If", "Loop", "Scan", "SequenceMap"), _CONTROL),
    **dict.fromkeys(("NonZero", "NonMaxSuppression", "TopK", "RoiAlign", "Unique"), _HOST),
    **dict.fromkeys(("Upsample", "GridSample", "MaxUnpool"), _RESIZING),
    **dict.fromkeys(("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli"), _RANDOM),
    **dict.fromkeys(("Min", "Max"), _LARGEST),
    **dict.fromkeys(("ReduceSum", "ReduceL1", "ReduceL2"), _MEAN),
    "ArgMax": "leave it out of the exported model and take the largest output",
    "Cast": "export the model in float32 throughout, without half precision",
    "ConvTranspose": "end the exported model in front of it, or train with strided convolutions alone",
    "DeformConv": "train with ordinary convolutions: where windows lie must not depend on the input",
    "Where": "export the model without masks: what is computed must not depend on the input",
}
"""By operators that are not imported."""

SUPPORTED: Mapping[str, str] = {
    "Add": _TWO,
    "AveragePool": "pool over all dimensions behind the channels, of which there may be three",
    "Concat": "join activations along the channels; a constant part belongs into the weights behind it",
    "Div": _TWO,
    "Dropout": INFERENCE,
    "Flatten": "keep the frames in front, as torch.flatten(x, 1) does",
    "Gather": "take elements by constant indices, behind the first dimension; lookups of embeddings have no unit",
    "MatMul": (
        "keep the frames in front, and give the weights as a constant matrix: matrix products of two activations, "
        "as in attention, have no unit"
    ),
    "Mul": _TWO,
    "PRelu": "make the slope a constant that is the same for all frames",
    "Pad": "pad with zeros, or with elements of the map, behind the first dimension",
    "Pow": "make the exponent one constant number",
    "QuantizeLinear": "quantize activations to uint8 or int8 with one scale each, the weights may have one per output",
    "ReduceMean": "take the mean behind the first dimension alone, as nn.AdaptiveAvgPool2d(1) does",
    "Reshape": f"keep the frames in front, as torch.flatten(x, 1) does, and {FIXED_SIZES}",
    "Resize": _RESIZING,
    "Squeeze": "name the axes, and leave the first one: torch.flatten(x, 1) behind a global pooling",
    "Sub": _TWO,
    "Transpose": "leave the frames in front, and export the model with the channels first (NCHW)",
}
"""By operators that are imported in another form."""

DOMAINS: Mapping[str, str] = {
    **dict.fromkeys(("com.microsoft", "com.microsoft.nchwc"), _FUSED),
    "ai.onnx.ml": "export the neural network alone: classical machine learning has no unit",
}
"""By the domain of operators that are not standard."""


def remedy_of(operator: str) -> str:
    """How to change a model with a refused ``operator``, as :func:`pqc.frontend.node.operator_name` names it."""
    domain, _, _ = operator.rpartition(".")
    return UNSUPPORTED.get(operator) or SUPPORTED.get(operator) or DOMAINS.get(domain, "")

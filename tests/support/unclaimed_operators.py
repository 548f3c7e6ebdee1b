"""Why pqc does not take the other operators that ONNX has tests for, by what they have in common."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "A table could hold such a function of one number; none is written down yet.": (
        "Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Floor Log Reciprocal Round Shrink Sign Sin Sinh SwiGLU Tan"
    ),
    "The vector unit adds, subtracts and multiplies two activations; it does not combine them in another way.": (
        "Max Mean Min Mod Sum"
    ),
    "Its result is a truth value or a choice by one, and activations are numbers on a grid.": (
        "And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Where Xor"
    ),
    "It works on the bits of integers, and the float level has real numbers.": (
        "BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor"
    ),
    "It computes with integers, or changes the element type; a model has float32, and grids where it was quantized.": (
        "Cast CastLike ConvInteger DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul"
    ),
    "It reduces in a way that no unit has; means and maxima are the only reductions.": (
        "ArgMax ArgMin CumProd CumSum Det Einsum Hardmax LpPool ReduceL1 ReduceL2 ReduceLogSum "
        "ReduceLogSumExp ReduceMin ReduceProd ReduceSum ReduceSumSquare TopK"
    ),
    "It divides by a figure of the very frame that runs, in a way that is not made of the operations that there are.": (
        "LRN LogSoftmax LpNormalization MeanVarianceNormalization RMSNormalization"
    ),
    "It multiplies activations with activations, or keeps a state; products with constants are what tables hold.": (
        "Attention CausalConvWithState FlexAttention GRU LSTM LinearAttention RNN RotaryEmbedding TensorScatter"
    ),
    "It takes elements from places that are computed, or moves them in a way that no transfer does yet.": (
        "AffineGrid CenterCropPad Col2Im Compress ConvTranspose DeformConv GatherElements "
        "GatherND GridSample MaxUnpool NonMaxSuppression NonZero ReverseSequence RoiAlign Scatter "
        "ScatterElements ScatterND Trilu Unique Upsample"
    ),
    "It makes a tensor from a shape or from numbers; where its inputs are constants it is folded away.": (
        "BlackmanWindow ConstantOfShape EyeLike HammingWindow HannWindow MelWeightMatrix OneHot Range Size"
    ),
    "It is a transform of signals in complex numbers.": "DFT STFT",
    "It holds graphs of its own, or works on sequences and optional values; an instruction stream does not branch.": (
        "If Loop OptionalHasElement Scan SequenceInsert SequenceMap SplitToSequence"
    ),
    "It works on texts, or on image files.": (
        "ImageDecoder RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer"
    ),
    "It is a step of training, or random.": (
        "Adagrad Adam Bernoulli Momentum NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss"
    ),
}
"""Operators by reason."""


def unclaimed_reasons() -> dict[str, str]:
    """The reason of each operator."""
    return {name: reason for reason, names in REASONS.items() for name in names.split()}

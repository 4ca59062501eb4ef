"""The modules under the names of PyTorch's files: ``nn.modules.conv.Conv2d`` is ``nn.Conv2d``."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ... import nn
from ...left_out import explains
from .. import (
    adaptive,
    conv,
    dropout,
    lazy,
    linear,
    loss,
    norm,
    pooling,
    unpooling,
)
from . import module, utils  # noqa: F401  (part of the interface)

# What each of PyTorch's files has, apart from what is private in the file of the same name.
_FILES = {
    "activation": "CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU "
    "LogSigmoid "
    "LogSoftmax Mish MultiheadAttention PReLU ReLU ReLU6 RReLU SELU Sigmoid SiLU Softmax "
    "Softmax2d Softmin Softplus Softshrink Softsign Tanh Tanhshrink Threshold",
    "adaptive": "AdaptiveLogSoftmaxWithLoss _ASMoutput",
    "batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d LazyBatchNorm2d "
    "LazyBatchNorm3d SyncBatchNorm _BatchNorm _NormBase",
    "channelshuffle": "ChannelShuffle",
    "container": "ModuleDict ModuleList ParameterDict ParameterList Sequential",
    "conv": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d "
    "LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d "
    "_ConvNd _ConvTransposeNd",
    "distance": "CosineSimilarity PairwiseDistance",
    "dropout": "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout _DropoutNd",
    "flatten": "Flatten Unflatten",
    "fold": "Fold Unfold",
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d "
    "LazyInstanceNorm2d LazyInstanceNorm3d _InstanceNorm",
    "lazy": "LazyModuleMixin",
    "linear": "Bilinear Identity LazyLinear Linear NonDynamicallyQuantizableLinear",
    "loss": "BCELoss BCEWithLogitsLoss CosineEmbeddingLoss CrossEntropyLoss CTCLoss "
    "GaussianNLLLoss "
    "HingeEmbeddingLoss HuberLoss KLDivLoss L1Loss LinearCrossEntropyLoss MarginRankingLoss "
    "MSELoss MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss NLLLoss2d "
    "PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss TripletMarginWithDistanceLoss "
    "_Loss _WeightedLoss",
    "normalization": "CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm",
    "padding": "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d "
    "ConstantPad3d "
    "ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d "
    "ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d",
    "pixelshuffle": "PixelShuffle PixelUnshuffle",
    "pooling": "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d "
    "AdaptiveMaxPool2d AdaptiveMaxPool3d AvgPool1d AvgPool2d AvgPool3d FractionalMaxPool2d "
    "FractionalMaxPool3d LPPool1d LPPool2d LPPool3d MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d "
    "MaxUnpool2d MaxUnpool3d _AdaptiveMaxPoolNd _AvgPoolNd _LPPoolNd _MaxPoolNd _MaxUnpoolNd",
    "rnn": "GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase",
    "sparse": "Embedding EmbeddingBag",
    "transformer": "Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder "
    "TransformerEncoderLayer",
    "upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
    "linear_cross_entropy_options": "LinearCrossEntropyOptions",
}  # fmt: skip

# Their base classes, which programs ask `isinstance` about.
_PRIVATE: dict[str, Any] = {
    "_ASMoutput": adaptive._ASMoutput,
    "_AdaptiveMaxPoolNd": pooling._AdaptiveMax,
    "_AvgPoolNd": pooling._AvgPool,
    "_MaxPoolNd": pooling._MaxPool,
    "_BatchNorm": norm._BatchNorm,
    "_ConvNd": conv._Conv,
    "_ConvTransposeNd": conv._Transposed,
    "_DropoutNd": dropout._Dropout,
    "_InstanceNorm": norm._InstanceNorm,
    "_LPPoolNd": unpooling._LPPool,
    "_Loss": loss._Loss,
    "_MaxUnpoolNd": unpooling._MaxUnpool,
    "_NormBase": norm._NormBase,
    "_WeightedLoss": loss._WeightedLoss,
    "LazyModuleMixin": lazy.LazyModuleMixin,
    "NonDynamicallyQuantizableLinear": linear.NonDynamicallyQuantizableLinear,
}


def _file(name: str, classes: list[str]) -> ModuleType:
    made = ModuleType(f"{__name__}.{name}", f"``torch.nn.modules.{name}``: see `flambeau.nn`.")
    for known in classes:
        setattr(made, known, _PRIVATE[known] if known in _PRIVATE else getattr(nn, known))
    setattr(made, "__all__", [known for known in classes if not known.startswith("_")])  # noqa: B010
    made.__getattr__ = explains(made.__name__)  # type: ignore[method-assign]
    return made


for _name, _classes in _FILES.items():
    globals()[_name] = sys.modules[f"{__name__}.{_name}"] = _file(_name, _classes.split())
for _name, _thing in list(vars(nn).items()):
    if isinstance(_thing, type) and issubclass(_thing, (nn.Module, nn.LinearCrossEntropyOptions)):
        globals()[_name] = _thing

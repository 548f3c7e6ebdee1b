// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// CHECK: Operation does not verify: the input is !pq.tensor<?x2xui8, 0.5>, it must have channels, rows and columns
func.func @f(%x: !pq.tensor<?x2xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the weight is tensor<3x5xsi8>, it must be [outputs, channels / groups, rows, columns]
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"matrix", "92b0da72a2b99dc0"> : tensor<3x5xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x5xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: groups = 0 must divide 2 channels and 3 outputs
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 0 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: groups = -1 must divide 2 channels and 3 outputs
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups -1 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: groups = 2 must divide 2 channels and 3 outputs
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 2 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the weight is tensor<3x2x3x3xsi8>, its shape must be 3x3x3x3
func.func @f(%x: !pq.tensor<?x3x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x3x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the weight is tensor<3x2x3x3xsi8>, its shape must be 3x2x5x3
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[5, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: kernel size = 256, allowed are 0 to 255
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[256, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: weight_bits = 0, allowed are 1 to 16
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 0 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: weight_bits = 17, allowed are 1 to 16
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 17 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the weight is tensor<3x2x3x3xsi8>, its elements must be those of si9
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 9 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the weight holds values from -8 to 7, si3 allows -4 to 3
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 3 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the weight is not a blob.constant
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %w: tensor<3x2x3x3xsi8>) {
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the bias is tensor<3xsi16>, it must be tensor<3xsi32>
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"16-bit bias", "12a90194a522a556"> : tensor<3xsi16>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi16> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the bias is not a blob.constant
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %b: tensor<3xsi32>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x6x6xsi16>, their elements must be si32
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x6x5xsi32>, they must be tensor<?x3x6x6xsi8> to si32
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x5xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: a window that spans 3x3 does not fit a map of 2x8 with pads [0, 0, 0, 0]
func.func @f(%x: !pq.tensor<?x2x2x8xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.conv2d %x, %w, %b <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x2x8xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3x6x6xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the input is !pq.tensor<?x5x1x1xui8, 0.5>, it must have features alone
func.func @f(%x: !pq.tensor<?x5x1x1xui8, 0.5>) {
  %w = blob.constant <"matrix", "92b0da72a2b99dc0"> : tensor<3x5xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.gemm %x, %w, %b weight_bits 8 : !pq.tensor<?x5x1x1xui8, 0.5>, tensor<3x5xsi8>, tensor<3xsi32> -> tensor<?x3xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the weight is tensor<3x5xsi8>, its shape must be 3x6
func.func @f(%x: !pq.tensor<?x6xui8, 0.5>) {
  %w = blob.constant <"matrix", "92b0da72a2b99dc0"> : tensor<3x5xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.gemm %x, %w, %b weight_bits 8 : !pq.tensor<?x6xui8, 0.5>, tensor<3x5xsi8>, tensor<3xsi32> -> tensor<?x3xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the weight is tensor<3x2x3x3xsi8>, it must be [outputs, features]
func.func @f(%x: !pq.tensor<?x5xui8, 0.5>) {
  %w = blob.constant <"weight", "23a9b46b214387e0"> : tensor<3x2x3x3xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.gemm %x, %w, %b weight_bits 8 : !pq.tensor<?x5xui8, 0.5>, tensor<3x2x3x3xsi8>, tensor<3xsi32> -> tensor<?x3xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the weight is tensor<3x5xui8>, its elements must be those of si8
func.func @f(%x: !pq.tensor<?x5xui8, 0.5>) {
  %w = blob.constant <"unsigned matrix", "ab3e0bfb81d1762a"> : tensor<3x5xui8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.gemm %x, %w, %b weight_bits 8 : !pq.tensor<?x5xui8, 0.5>, tensor<3x5xui8>, tensor<3xsi32> -> tensor<?x3xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the bias is tensor<3xf32>, it must be tensor<3xsi32>
func.func @f(%x: !pq.tensor<?x5xui8, 0.5>) {
  %w = blob.constant <"matrix", "92b0da72a2b99dc0"> : tensor<3x5xsi8>
  %b = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = qnn.gemm %x, %w, %b weight_bits 8 : !pq.tensor<?x5xui8, 0.5>, tensor<3x5xsi8>, tensor<3xf32> -> tensor<?x3xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x1x1xsi32>, they must be tensor<?x3xsi8> to si32
func.func @f(%x: !pq.tensor<?x5xui8, 0.5>) {
  %w = blob.constant <"matrix", "92b0da72a2b99dc0"> : tensor<3x5xsi8>
  %b = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = qnn.gemm %x, %w, %b weight_bits 8 : !pq.tensor<?x5xui8, 0.5>, tensor<3x5xsi8>, tensor<3xsi32> -> tensor<?x3x1x1xsi32>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x6xsi16>, they must be tensor<?x3x6x6xsi8> to si32
func.func @f(%a: tensor<?x3x6xsi16>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x3x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x6x6xf32>
func.func @f(%a: tensor<?x3x6x6xf32>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x3x6x6xf32>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x6x6xui16>
func.func @f(%a: tensor<?x3x6x6xui16>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x3x6x6xui16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: multiplier in [65536, 65536], allowed is [0, 65535]
func.func @f(%a: tensor<?x3x6x6xsi16>) {
  %m = blob.constant <"multiplier too large", "7e999c32e3570623"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: multiplier in [-65536, -65536], allowed is [0, 65535]
func.func @f(%a: tensor<?x3x6x6xsi16>) {
  %m = blob.constant <"residual multiplier", "0d4a5e9402e96a3c"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: shift in [41, 41], allowed is [0, 40]
func.func @f(%a: tensor<?x3x6x6xsi16>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift too long", "4827a4bb818b93ec"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the multiplier is tensor<3xf32>, it must be tensor<3xsi32>
func.func @f(%a: tensor<?x3x6x6xsi16>) {
  %m = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x3x6x6xsi16>, tensor<3xf32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the shift is tensor<3xsi16>, it must be tensor<3xsi32>
func.func @f(%a: tensor<?x3x6x6xsi16>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"16-bit bias", "12a90194a522a556"> : tensor<3xsi16>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi16> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the shift is not a blob.constant
func.func @f(%a: tensor<?x3x6x6xsi16>, %s: tensor<3xsi32>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the multiplier is tensor<3xsi32>, it must be tensor<4xsi32>
func.func @f(%a: tensor<?x4x6x6xsi16>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 255] : tensor<?x4x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x4x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the residual is !pq.tensor<?x3x6x5xui8, 0.5>, the result !pq.tensor<?x3x6x6xui8, 0.5>: they must have one shape
func.func @f(%a: tensor<?x3x6x6xsi16>, %r: !pq.tensor<?x3x6x5xui8, 0.5>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %g = blob.constant <"residual multiplier", "0d4a5e9402e96a3c"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s residual %r, %g : !pq.tensor<?x3x6x5xui8, 0.5>, tensor<3xsi32> clip [0, 255] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: clip [0, 256] must be two bounds in [0, 255], the range of ui8
func.func @f(%a: tensor<?x3x6x6xsi16>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0, 256] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: clip [9, 8] must be two bounds
func.func @f(%a: tensor<?x3x6x6xsi16>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [9, 8] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: clip [0] must be two bounds
func.func @f(%a: tensor<?x3x6x6xsi16>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [0] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: clip [] must be two bounds
func.func @f(%a: tensor<?x3x6x6xsi16>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = qnn.requantize %a, %m, %s clip [] : tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32> -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: a residual comes with a residual multiplier, and no multiplier without one
func.func @f(%a: tensor<?x3x6x6xsi16>, %r: !pq.tensor<?x3x6x6xui8, 0.5>) {
  %m = blob.constant <"multiplier", "b1874c5a53ba2db6"> : tensor<3xsi32>
  %s = blob.constant <"shift", "77e192640433daea"> : tensor<3xsi32>
  %0 = "qnn.requantize"(%a, %m, %s, %r) <{clip = array<i64: 0, 255>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>}> : (tensor<?x3x6x6xsi16>, tensor<3xsi32>, tensor<3xsi32>, !pq.tensor<?x3x6x6xui8, 0.5>) -> !pq.tensor<?x3x6x6xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the left operand is !pq.tensor<?x2x8x7xui8, 0.5>, the result !pq.tensor<?x2x8x8xui8, 0.5>: they must have one shape
func.func @f(%x: !pq.tensor<?x2x8x7xui8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.25>) {
  %0 = qnn.add %x, %y multipliers [1, 1] shift 0 clip [0, 255] : !pq.tensor<?x2x8x7xui8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.25> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the right operand is !pq.tensor<?x2xsi8, 0.25>
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %y: !pq.tensor<?x2xsi8, 0.25>) {
  %0 = qnn.add %x, %y multipliers [1, 1] shift 0 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5>, !pq.tensor<?x2xsi8, 0.25> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: multipliers [1], there must be one for each operand
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.25>) {
  %0 = qnn.add %x, %y multipliers [1] shift 0 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.25> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: multipliers [1, 2, 3], there must be one for each operand
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.25>) {
  %0 = qnn.add %x, %y multipliers [1, 2, 3] shift 0 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.25> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: multiplier = 2147483648, allowed are -2147483648 to 2147483647
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.25>) {
  %0 = qnn.add %x, %y multipliers [1, 2147483648] shift 0 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.25> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: shift = 41, allowed are 0 to 40
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.25>) {
  %0 = qnn.add %x, %y multipliers [1, 1] shift 41 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.25> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: clip [-1, 255] must be two bounds in [0, 255]
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %y: !pq.tensor<?x2x8x8xsi8, 0.25>) {
  %0 = qnn.add %x, %y multipliers [1, 1] shift 0 clip [-1, 255] : !pq.tensor<?x2x8x8xui8, 0.5>, !pq.tensor<?x2x8x8xsi8, 0.25> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the operand is !pq.tensor<?x128xui8, 0.5>, the result
func.func @f(%x: !pq.tensor<?x128xui8, 0.5>) {
  %0 = qnn.rescale %x multiplier 1 shift 0 clip [0, 255] : !pq.tensor<?x128xui8, 0.5> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: multiplier = -2147483649, allowed are
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.rescale %x multiplier -2147483649 shift 0 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: shift = -1, allowed are 0 to 40
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.rescale %x multiplier 1 shift -1 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x8x8xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: clip [0, 16] must be two bounds in [0, 15], the range of ui4
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.rescale %x multiplier 1 shift 0 clip [0, 16] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x8x8xui4, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the input is !pq.tensor<?x2xui8, 0.5>, it must have channels, rows and columns
func.func @f(%x: !pq.tensor<?x2xui8, 0.5>) {
  %0 = qnn.max_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> : !pq.tensor<?x2xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the result is !pq.tensor<?x2x4x5xui8, 0.5>, input and window give ?x2x4x4
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.max_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x5xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the result is !pq.tensor<?x2x4x4xui8, 0.25>, a maximum stays on the grid of !pq.tensor<?x2x8x8xui8, 0.5>
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.max_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.25>
  func.return
}

// -----
// CHECK: Operation does not verify: a window that spans 11x3 does not fit a map of 8x8 with pads [1, 1, 1, 1]
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.max_pool %x <[11, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: stride = 300, allowed are 0 to 255
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.max_pool %x <[3, 3] strides [300, 2] pads [1, 1, 1, 1] dilations [1, 1]> : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: mode = 0, allowed are 1 and 2
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.average_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> mode 0 multiplier 16384 shift 14 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: mode = 3, allowed are 1 and 2
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.average_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> mode 3 multiplier 16384 shift 14 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: multiplier = 4294967296, allowed are
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.average_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> mode 1 multiplier 4294967296 shift 14 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: shift = 41, allowed are 0 to 40
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.average_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> mode 1 multiplier 16384 shift 41 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: clip [-1, 0] must be two bounds
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.average_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> mode 1 multiplier 16384 shift 14 clip [-1, 0] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x2x4x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: the result is !pq.tensor<?x3x4x4xui8, 0.5>, input and window give ?x2x4x4
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %0 = qnn.average_pool %x <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> mode 1 multiplier 16384 shift 14 clip [0, 255] : !pq.tensor<?x2x8x8xui8, 0.5> -> !pq.tensor<?x3x4x4xui8, 0.5>
  func.return
}

// -----
// CHECK: Operation does not verify: multiplier = 16384 and shift = 40 leave 64 bits with 16777216 taps
func.func @f(%x: !pq.tensor<?x2x4096x4096xui8, 0.5>) {
  %0 = qnn.average_pool %x <[4096, 4096] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> mode 1 multiplier 16384 shift 40 clip [0, 255] : !pq.tensor<?x2x4096x4096xui8, 0.5> -> !pq.tensor<?x2x1x1xui8, 0.5>
  func.return
}

// CHECK-NOT: {{^}}builtin.module

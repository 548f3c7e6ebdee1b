// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// The encoding of integers.
// -----
// CHECK: Operation does not verify: the input is !pq.tensor<?x2xui8, 0.5>, it must have channels, rows and columns
func.func @f(%x: !pq.tensor<?x2xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: metric 'cosine', allowed are l2, l1, linf
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "cosine" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: shift = 32, allowed are 0 to 31
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 32 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: shift = -1, allowed are 0 to 31
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift -1 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: prototype_bits = 0, allowed are 1 to 16
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 0 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: prototype_bits = 17, allowed are 1 to 16
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 17 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook is tensor<2x4x9xui8>, its elements must be those of ui9
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 9 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook holds values from 0 to 15, ui3 allows 0 to 7
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 3 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook is tensor<2x4x9xsi8>, its elements must be those of ui8
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"signed codebook", "8f82c1fb731370df"> : tensor<2x4x9xsi8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xsi8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook is not a blob.constant
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %codebook: tensor<2x4x9xui8>) {
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook is tensor<3xsi32>, it must be [subspaces, prototypes, length]
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<3xsi32> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook is tensor<0x4x9xui8>, it must be [subspaces, prototypes, length], all of them at least 1
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %codebook: tensor<0x4x9xui8>) {
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<0x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook is tensor<2x4x0xui8>, it must be [subspaces, prototypes, length], all of them at least 1
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %codebook: tensor<2x4x0xui8>) {
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x0xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook is tensor<?x4x9xui8>, it must be [subspaces, prototypes, length], all of them at least 1
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %codebook: tensor<?x4x9xui8>) {
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<?x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook has 2 subspaces; 3 channels, a window of 3x3 and length 9 make 3
func.func @f(%x: !pq.tensor<?x3x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x3x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: prototypes = 70000, allowed are 0 to 65535
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>, %codebook: tensor<2x70000x9xui8>) {
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x70000x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: a window that spans 9x9 does not fit a map of 6x6 with pads [1, 1, 1, 1]
func.func @f(%x: !pq.tensor<?x2x6x6xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [4, 4]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x6x6xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: stride = 256, allowed are 0 to 255
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [256, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: pad = 300, allowed are 0 to 255
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 300, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codes are !pq.codes<[?, 2, 7, 8], 4>, input and codebook give !pq.codes<[?, 2, 8, 8], 4>
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 7, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codes are !pq.codes<[?, 2, 8, 8], 5>
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 5>
  func.return
}

// -----
// CHECK: tensor<?x2x8x8xf32> should be of base attribute pq.tensor
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<3xsi32>, it must be [subspaces, prototypes, outputs]
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<3xsi32>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<2x4x3xsi8>, its shape must be 2x5x3
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 5>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 5>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<2x4x3xsi8>, its shape must be 3x4x3
func.func @f(%codes: !pq.codes<[?, 3, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 3, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is not a blob.constant
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>, %table: tensor<2x4x3xsi8>) {
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: table_bits = 0, allowed are 1 to 16
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 0 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: table_bits = 17, allowed are 1 to 16
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 17 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<2x4x3xsi8>, its elements must be those of si9
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 9 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the table holds values from -8 to 7, si3 allows -4 to 3
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 3 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: element type f32 is not one of
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xf32>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the bias is tensor<3xsi16>, it must be tensor<3xsi32>
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"16-bit bias", "12a90194a522a556"> : tensor<3xsi16>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi16> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the bias is tensor<3xf32>, it must be tensor<3xsi32>
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xf32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the bias is not a blob.constant
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>, %bias: tensor<3xsi32>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x8x7xsi16>, they must be tensor<?x3x8x8xsi8> to si32
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x7xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x8x8xsi33>
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi33>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x8x8xi16>
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x8x8xf32>
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<2x3x8x8xsi16>
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<2x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the input is tensor<?x2xf32>, it must be an f32 tensor of ? frames of channels, rows and columns
func.func @f(%x: tensor<?x2xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the input is tensor<?x2x8x?xf32>, it must be
func.func @f(%x: tensor<?x2x8x?xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x?xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the input is tensor<?x2x8x8xf64>, it must be
func.func @f(%x: tensor<?x2x8x8xf64>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf64>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the result is tensor<?x3x8xf32>, it must be
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the result has a map of 8x7, input and window give 8x8
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x7xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook has 4 prototypes, the configuration 8
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 8, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook has 9 elements a prototype, the configuration 8
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 8, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook is tensor<2x4x9xui8>, its elements must be those of si8
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <si8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook holds values from 0 to 15, ui3 allows 0 to 7
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [3, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: shift = 32, allowed are 0 to 31
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 32 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<2x4x3xsi8>, it must be tensor<2x4x3xf32>
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi8>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the bias is tensor<3xsi32>, it must be tensor<3xf32>
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is not a blob.constant
func.func @f(%x: tensor<?x2x8x8xf32>, %table: tensor<2x4x3xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the bias is not a blob.constant
func.func @f(%x: tensor<?x2x8x8xf32>, %bias: tensor<3xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the residual must have the type of the result
func.func @f(%x: tensor<?x2x8x8xf32>, %r: tensor<?x3x8x7xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias residual %r : tensor<?x3x8x7xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: low = 1.0 and high = 0.0 are no bounds
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 low 1.0 : f64 high 0.0 : f64 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: low = nan and high = inf are no bounds
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 low 0x7FF8000000000000 : f64 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// A convolution whose sums are integers.
// -----
// CHECK: Operation does not verify: the table is tensor<2x4x3xf32>, it must be tensor<2x4x3xsi8>
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %step = blob.constant <"step", "dfa98122110a53f3"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xf32>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<2x4x3xsi16>, it must be tensor<2x4x3xsi8>
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"16-bit table", "5f48b0907b9ff566"> : tensor<2x4x3xsi16>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %step = blob.constant <"step", "dfa98122110a53f3"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi16>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<2x4x3xsi8>, it must be tensor<2x4x3xsi16>
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %step = blob.constant <"step", "dfa98122110a53f3"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 9], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<9x4x3xsi8>, it must be tensor<2x4x3xsi8>
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table for 9 taps", "7ff23bfc45211dbc"> : tensor<9x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %step = blob.constant <"step", "dfa98122110a53f3"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the table holds values from -8 to 7, si3 allows -4 to 3
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %step = blob.constant <"step", "dfa98122110a53f3"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 3], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the bias is tensor<3xsi16>, it must be tensor<3xsi32>
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"16-bit bias", "12a90194a522a556"> : tensor<3xsi16>
  %step = blob.constant <"step", "dfa98122110a53f3"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi8>, tensor<3xsi16> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: sums of table entries and bias could reach 2147483663, an int32 holds 2147483647
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"largest bias", "1e18a5ee4b02210e"> : tensor<3xsi32>
  %step = blob.constant <"step", "dfa98122110a53f3"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the step is tensor<3xsi32>, it must be tensor<3xf32>
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %step = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xsi32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the step is not a blob.constant
func.func @f(%x: tensor<?x2x8x8xf32>, %step: tensor<3xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the step is 0.0 to 2.0, it must be positive and finite
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %step = blob.constant <"step of zero", "1b55227c388edf4a"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the step is inf to inf, it must be positive and finite
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %step = blob.constant <"infinite step", "5eeba8aa56e3b694"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias step %step : tensor<3xf32> <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 9, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<2x4x9xui8>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xf32>
  func.return
}

// Values on a grid.
// -----
// CHECK: Operation does not verify: pq.on_grid: the result is ?x8, not ?x7
func.func @f(%x: tensor<?x7xf32>) {
  %0 = pq.on_grid %x on <ui8, 0.5> : (tensor<?x7xf32>) -> tensor<?x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: pq.on_grid: an activation has 2 or 4 dimensions, this one is ?x7x7
func.func @f(%x: tensor<?x7x7xf32>) {
  %0 = pq.on_grid %x on <ui8, 0.5> : (tensor<?x7x7xf32>) -> tensor<?x7x7xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: pq.on_grid: the first dimension of an activation is ?, not 2
func.func @f(%x: tensor<2x7xf32>) {
  %0 = pq.on_grid %x on <ui8, 0.5> : (tensor<2x7xf32>) -> tensor<2x7xf32>
  func.return
}

// -----
// CHECK: scale = 0.0, it must be positive and finite
func.func @f(%x: tensor<?x7xf32>) {
  %0 = pq.on_grid %x on <ui8, 0.0> : (tensor<?x7xf32>) -> tensor<?x7xf32>
  func.return
}

// A lookup that walks a window over a map of codes.
// -----
// CHECK: Operation does not verify: window and padding go together
func.func @f(%codes: !pq.codes<[?, 1, 8, 8], 4>) {
  %table = blob.constant <"table for 9 taps", "7ff23bfc45211dbc"> : tensor<9x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"padding", "46a8a555a80f7cbf"> : tensor<1xui8>
  %0 = pq.lookup %codes, %table, %bias window <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> table_bits 8 : !pq.codes<[?, 1, 8, 8], 4>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: window and padding go together
func.func @f(%codes: !pq.codes<[?, 2, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"padding", "46a8a555a80f7cbf"> : tensor<1xui8>
  %0 = pq.lookup %codes, %table, %bias padding %padding : tensor<1xui8> table_bits 8 : !pq.codes<[?, 2, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the padding is tensor<3xsi32>, it must be tensor<1xui8>
func.func @f(%codes: !pq.codes<[?, 1, 8, 8], 4>) {
  %table = blob.constant <"table for 9 taps", "7ff23bfc45211dbc"> : tensor<9x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %0 = pq.lookup %codes, %table, %bias window <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> padding %padding : tensor<3xsi32> table_bits 8 : !pq.codes<[?, 1, 8, 8], 4>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the padding is tensor<1xui8>, it must be tensor<1xui16>
func.func @f(%codes: !pq.codes<[?, 1, 8, 8], 257>) {
  %table = blob.constant <"table for 9 taps", "7ff23bfc45211dbc"> : tensor<9x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"padding", "46a8a555a80f7cbf"> : tensor<1xui8>
  %0 = pq.lookup %codes, %table, %bias window <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 8 : !pq.codes<[?, 1, 8, 8], 257>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the padding holds code 4, the largest one is 3
func.func @f(%codes: !pq.codes<[?, 1, 8, 8], 4>) {
  %table = blob.constant <"table for 9 taps", "7ff23bfc45211dbc"> : tensor<9x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"padding too large", "d0feb601996bcc36"> : tensor<1xui8>
  %0 = pq.lookup %codes, %table, %bias window <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 8 : !pq.codes<[?, 1, 8, 8], 4>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<2x4x3xsi8>, its shape must be 9x4x3
func.func @f(%codes: !pq.codes<[?, 1, 8, 8], 4>) {
  %table = blob.constant <"table", "bafefc2e12b3760c"> : tensor<2x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"padding", "46a8a555a80f7cbf"> : tensor<1xui8>
  %0 = pq.lookup %codes, %table, %bias window <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 8 : !pq.codes<[?, 1, 8, 8], 4>, tensor<2x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the accumulators are tensor<?x3x8x8xsi16>, they must be tensor<?x3x4x4xsi8> to si32
func.func @f(%codes: !pq.codes<[?, 1, 8, 8], 4>) {
  %table = blob.constant <"table for 9 taps", "7ff23bfc45211dbc"> : tensor<9x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"padding", "46a8a555a80f7cbf"> : tensor<1xui8>
  %0 = pq.lookup %codes, %table, %bias window <[3, 3] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 8 : !pq.codes<[?, 1, 8, 8], 4>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: a window that spans 3x3 does not fit a map of 2x2 with pads [0, 0, 0, 0]
func.func @f(%codes: !pq.codes<[?, 1, 2, 2], 4>) {
  %table = blob.constant <"table for 9 taps", "7ff23bfc45211dbc"> : tensor<9x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"padding", "46a8a555a80f7cbf"> : tensor<1xui8>
  %0 = pq.lookup %codes, %table, %bias window <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 8 : !pq.codes<[?, 1, 2, 2], 4>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: kernel size = 256, allowed are 0 to 255
func.func @f(%codes: !pq.codes<[?, 1, 8, 8], 4>) {
  %table = blob.constant <"table for 9 taps", "7ff23bfc45211dbc"> : tensor<9x4x3xsi8>
  %bias = blob.constant <"bias", "d63c918771c65897"> : tensor<3xsi32>
  %padding = blob.constant <"padding", "46a8a555a80f7cbf"> : tensor<1xui8>
  %0 = pq.lookup %codes, %table, %bias window <[256, 1] strides [1, 1] pads [128, 0, 128, 0] dilations [1, 1]> padding %padding : tensor<1xui8> table_bits 8 : !pq.codes<[?, 1, 8, 8], 4>, tensor<9x4x3xsi8>, tensor<3xsi32> -> tensor<?x3x8x8xsi16>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook has 1 groups; 3 channels, length 2 make 2
func.func @f(%x: tensor<?x3x8x8xf32>) {
  %codebook = blob.constant <"channel codebook", "7c0ee224f838ddf3"> : tensor<1x4x2xui8>
  %table = blob.constant <"float table for 9 taps", "d2eb59733b6da459"> : tensor<9x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 2, grouping = channel, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x3x8x8xf32>, tensor<1x4x2xui8>, tensor<9x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// -----
// CHECK: Operation does not verify: the table is tensor<2x4x3xf32>, it must be tensor<9x4x3xf32>
func.func @f(%x: tensor<?x2x8x8xf32>) {
  %codebook = blob.constant <"channel codebook", "7c0ee224f838ddf3"> : tensor<1x4x2xui8>
  %table = blob.constant <"float table", "620e6e14052da04f"> : tensor<2x4x3xf32>
  %bias = blob.constant <"float bias", "9146c5644538a2e2"> : tensor<3xf32>
  %0 = pq.convolution %x, %codebook, %table, %bias <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> <prototypes = 4, length = 2, grouping = channel, bits = [8, 8], l2> on <ui8, 0.5> shift 0 : tensor<?x2x8x8xf32>, tensor<1x4x2xui8>, tensor<2x4x3xf32>, tensor<3xf32> -> tensor<?x3x8x8xf32>
  func.return
}

// CHECK-NOT: {{^}}builtin.module

// -----
// CHECK: Operation does not verify: the codebook has 2 subspaces, a shared one has 1 for all
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook shared <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 2, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: the codebook has 2 subspaces; 2 channels, a window of 3x3 and length 9 make 2, of which 1 are folded
func.func @f(%x: !pq.tensor<?x2x8x8xui8, 0.5>) {
  %codebook = blob.constant <"codebook", "4220e73f1dde3e46"> : tensor<2x4x9xui8>
  %0 = pq.encode %x, %codebook folded [1] <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x8x8xui8, 0.5>, tensor<2x4x9xui8> -> !pq.codes<[?, 1, 8, 8], 4>
  func.return
}

// -----
// CHECK: Operation does not verify: folded subspaces [2], allowed are some of 0 to 1, ascending, and not all
func.func @f(%x: !pq.tensor<?x4x8x8xui8, 0.5>) {
  %codebook = blob.constant <"channel codebook", "7c0ee224f838ddf3"> : tensor<1x4x2xui8>
  %0 = pq.encode %x, %codebook folded [2] <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x4x8x8xui8, 0.5>, tensor<1x4x2xui8> -> !pq.codes<[?, 1, 8, 8], 4>
  func.return
}

// -----
// CHECK: codebooks 'common', allowed are separate, shared
builtin.module attributes {c = #pq.config<prototypes = 16, length = 9, codebooks = common, bits = [8, 8], l2>} {}
